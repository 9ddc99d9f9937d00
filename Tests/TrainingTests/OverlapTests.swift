import MeshTransport
import MeshWire
import MeshworkTesting
import NeuralNetwork
import Optimizers
import ParameterServer
import Synchronization
import Tensor
import Testing
import Training

/// Trainers whose gradients leave while others are still being computed.
@Suite struct OverlapTests {
    @Test(
        "one worker makes the same bits as training on one machine, rows among them, with lost and doubled messages",
        arguments: [UpdateRule.sgd(learningRate: 0.5), .adam(learningRate: 1e-2)], [false, true])
    func sameBits(rule: UpdateRule, loses: Bool) async throws {
        let declaration = try RowModel.declaration()
        let local = try LocalParameters(declaration, updateRule: rule)
        try await Trainer(RowModel(), parameters: local, runtime: SystemRuntime.shared)
            .train(on: try RowModel.batches(20))
        let faults = loses ? SeededFaults(seed: 8, replyLoss: 0.1, requestLoss: 0.1, requestDuplication: 0.1) : nil
        let steps = Mutex<[TrainingStep]>([])
        let (remote, audit) = try await TrainingCluster.run(seed: 9) { cluster in
            let bits = try await cluster.work(slot: 0, faults: faults, fragmentBytes: 64) { client, mesh in
                try await client.declare(declaration.tables(updateRule: rule, rowPartitions: 3))
                try await Trainer(RowModel(), overlapping: client, runtime: mesh.runtime)
                    .train(on: try RowModel.batches(20)) { step in steps.withLock { $0.append(step) } }
                return try await RowModel.bits(client)
            }
            return (bits, try await cluster.audit())
        }
        #expect(try await remote == RowModel.bits(local))
        #expect(audit.discrepancies == [])
        let taken = steps.withLock { $0 }
        #expect(taken.map(\.number) == Array(0..<20))
        #expect(taken.allSatisfy { $0.staleness == 0 })
        let timelines = taken.compactMap(\.timeline)
        #expect(timelines.count == 20)
        #expect(timelines.allSatisfy { $0.fragments.count > 1 })
        // The last step pulls nothing: no other comes.
        #expect(timelines.last?.fragments.allSatisfy { $0.pulled == nil } == true)
    }

    @Test("a loss that is not finite stops the step before anything leaves")
    func lossNotFinite() async throws {
        let declaration = try RowModel.declaration()
        let (error, audit) = try await TrainingCluster.run(seed: 9) { cluster in
            let error = try await cluster.work(slot: 0, fragmentBytes: 64) { client, mesh -> TrainingError? in
                try await client.declare(declaration.tables(updateRule: .sgd(learningRate: 1)))
                let trainer = Trainer(RowModel(), overlapping: client, runtime: mesh.runtime) { output, _ in
                    output.sum() * .infinity
                }
                do {
                    try await trainer.train(on: try RowModel.batches(3))
                    return nil
                } catch {
                    return error as? TrainingError
                }
            }
            return (error, try await cluster.audit())
        }
        #expect(error?.code == .lossNotFinite)
        #expect(audit.applied == 0)
    }
}
