import ArgumentParser
import ExampleTestSupport
import Foundation
import ProcessKit
import RecommenderKit
import Testing

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

    @Test("a number of epochs that is none is refused with the option's name")
    func refused() {
        let error = #expect(throws: (any Error).self) { try RecommenderOptions.parse(["--epochs", "0"]) }
        #expect(error.map { RecommenderOptions.message(for: $0) }?.contains("--epochs 0") == true)
    }
}
