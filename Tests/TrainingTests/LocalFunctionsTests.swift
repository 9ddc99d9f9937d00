import MeshTransport
import MeshWire
import NeuralNetwork
import Optimizers
import ParameterServer
import Tensor
import Testing
import Training

/// Functions of the host's own on one machine.
@Suite struct LocalFunctionsTests {
    /// Halves what is beyond a limit, and what the rule remembers of it; answers how much there was.
    private static let halve = ServerFunction(updating: "halve", combine: +) {
        (values: inout PartitionValues, limit: Float) -> Int in
        let before = values.parameters
        let clipped = before.clipped(from: Tensor(-limit), to: Tensor(limit))
        values.parameters = (before + clipped) * 0.5
        for (name, slot) in values.slots { values.slots[name] = slot * 0.5 }
        return before.scalars.count { abs($0) > limit }
    }

    private static let largest = ServerFunction(reading: "largest", combine: max) {
        (values: PartitionValues, _: Bool) -> Float in
        values.parameters.scalars.reduce(0) { max($0, abs($1)) }
    }

    /// A few steps, with functions between them; the answers, and then every bit.
    private static func train(
        _ store: any ParameterStore, _ runtime: any Runtime,
        halve: (Float, String, [UInt64]?) async throws -> FunctionReport<Int>,
        largest: (String) async throws -> FunctionReport<Float>
    ) async throws -> (answers: [Float], bits: [String: [UInt32]]) {
        var answers: [Float] = []
        for batch in try RowModel.batches(8) {
            try await Trainer(RowModel(), parameters: store, runtime: runtime).train(on: [batch])
            answers.append(Float(try await halve(0.1, "head/weight", nil).combined ?? -1))
            answers.append(Float(try await halve(0.05, "users/table", RowModel.users).combined ?? -1))
            answers.append(try await largest("head/weight").combined ?? -1)
        }
        return (answers, try await RowModel.bits(store))
    }

    @Test(
        "functions between the steps of one worker have the same bits and answers on servers as on one machine",
        arguments: [UpdateRule.adam(learningRate: 1e-2), .sgd(learningRate: 0.5, momentum: 0.9)])
    func sameBits(rule: UpdateRule) async throws {
        let declaration = try RowModel.declaration()
        let local = try LocalParameters(declaration, updateRule: rule)
        let expected = try await Self.train(
            local, SystemRuntime.shared, halve: { try local.call(Self.halve, $0, on: $1, rows: $2) },
            largest: { try local.call(Self.largest, true, on: $0) })
        #expect(expected.answers.contains { $0 > 1 } && !expected.answers.contains(-1))
        let functions = [Self.halve.registered, Self.largest.registered]
        let remote = try await TrainingCluster.run(seed: 9, functions: functions) { cluster in
            try await cluster.work(slot: 0) { client, mesh in
                try await client.declare(
                    declaration.tables(updateRule: rule, partitioning: .bytes(16), rowPartitions: 3))
                return try await Self.train(
                    client, mesh.runtime, halve: { try await client.call(Self.halve, $0, on: $1, rows: $2) },
                    largest: { try await client.call(Self.largest, true, on: $0) })
            }
        }
        #expect(remote.answers == expected.answers)
        #expect(remote.bits == expected.bits)
    }

    @Test("what a function does wrong changes nothing, and a table that is none is named")
    func failures() async throws {
        let local = try LocalParameters(try RowModel.declaration(), updateRule: .adam())
        try await Trainer(RowModel(), parameters: local, runtime: SystemRuntime.shared).train(
            on: try RowModel.batches(1))
        let before = try await RowModel.bits(local)
        let poison = ServerFunction(updating: "poison") { (values: inout PartitionValues, scale: Float) -> Int in
            values.parameters = values.parameters * scale
            guard scale.isNaN else { throw ParameterServerError(.applyFailed, "not today") }
            return 0
        }
        for (scale, table, rows, code) in [
            (.nan, "head/weight", nil, .nonFinite), (2, "head/weight", nil, .functionFailed),
            (.nan, "users/table", RowModel.users, .nonFinite), (2, "none", nil, .unknownParameter),
            (2, "users/table", nil, .shapeMismatch), (2, "head/weight", [1], .shapeMismatch),
        ] as [(Float, String, [UInt64]?, ParameterServerError.Code)] {
            let error = #expect(throws: ParameterServerError.self) {
                try local.call(poison, scale, on: table, rows: rows)
            }
            #expect(error?.code == code, "\(table): \(String(describing: error))")
        }
        #expect(try await RowModel.bits(local) == before)
    }
}
