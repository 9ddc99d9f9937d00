import ArgumentParser
import ExampleTestSupport
import Foundation
import MeshTransport
import Optimizers
import ParameterServer
import ProcessKit
import RecommenderKit
import Tensor
import Testing
import Training

@Suite("The recommender", .serialized, .timeLimit(.minutes(3)))
struct RecommenderTests {
    @Test("a worker and a server are lost, every push is applied once, and the model reaches the bar")
    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("recommender-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("summary.json").path
        let example = try RunningExample(
            "recommender", besides: try Recommender.dataPath(), ["--epochs", "2", "--seed", "3", "--summary", path])
        let lines = await example.restOfOutput()
        let (status, errors) = await example.ended()
        #expect(status == 0, "\(errors)")
        #expect(lines.contains { $0.contains("Lost worker 2") && $0.contains("killed by signal 9") })
        #expect(lines.contains { $0.contains("Lost server 2: it was killed by signal 9") })
        #expect(lines.count { $0.contains("Started server 2") } == 2)
        #expect(lines.contains { $0.contains("Every push was applied exactly once") })

        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let summary = try JSONDecoder().decode(RecommendationSummary.self, from: data)
        #expect(summary.area >= 0.9)
        #expect(summary.curve.count == 10 && summary.curve.last?.area == summary.area)
        #expect(summary.workersKilled == 1 && summary.serversKilled == 1)
        #expect(summary.pushes.duplicatesSuppressed > 0)
        #expect(summary.pushes.acknowledged <= summary.pushes.applied)
        #expect(summary.pushes.applied <= summary.pushes.sent)
    }

    @Test("on one machine, one pass over the records is enough to reach the bar")
    func alone() async throws {
        let plan = TrainingPlan(
            examples: Census.trainingCount, epochs: 1, slots: 1, learningRate: 2e-3, seed: 5)
        let census = try Census(path: try Recommender.dataPath())
        #expect(census.count == 48_842)
        let heldOut = try HeldOutRecords(census)
        #expect(heldOut.count == 16_281)
        let parameters = try LocalParameters(
            try CensusModel.declaration(RandomKey(seed: 5)), updateRule: .adam(learningRate: plan.learningRate))
        func area() throws -> Double {
            var all = parameters.pull()
            for (name, rows) in try parameters.pull(rows: heldOut.lookups.mapValues(\.keys)).tables { all[name] = rows }
            return try heldOut.area(of: all)
        }
        let before = try area()
        let batches = CensusBatches(census, plan, slot: 0, epoch: 0)
        #expect(batches.count == 254)
        try await RecommenderJob.trainer(parameters, SystemRuntime.shared).train(on: batches)
        let after = try area()
        #expect(after > 0.905 && before < after)
    }

    @Test("a number of epochs that is none is refused with the option's name")
    func refused() {
        let error = #expect(throws: (any Error).self) { try RecommenderOptions.parse(["--epochs", "0"]) }
        #expect(error.map { RecommenderOptions.message(for: $0) }?.contains("--epochs 0") == true)
    }
}
