import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// Gradients that leave smaller than they are, from the worker to the parameters.
@Suite(.timeLimit(.minutes(5))) struct CompressionTests {
    private static let all: [GradientCompression] = [.bfloat16, .float16, .int8, .topK(fraction: 0.1), .signs]

    private static func configuration(_ compression: [String: GradientCompression]) -> ParameterClientConfiguration {
        var configuration = ParameterClientConfiguration()
        configuration.compression = compression
        return configuration
    }

    private static func table(
        partitions: Int = 3, rule: UpdateRule = .sgd(learningRate: 1)
    ) throws -> TableDeclaration {
        try Example.table("weight", shape: [10, 13], rule: rule, partitions: partitions)
    }

    private static func gradient(_ step: Int) throws -> AnyTensor {
        try Initializer.uniform(low: -1, high: 1).values(key: RandomKey(seed: UInt64(100 + step)), shape: [10, 13])
    }

    private static func floats(_ tensor: AnyTensor) throws -> [Float] { try tensor.scalars(as: Float.self) }

    @Test(
        "what is left out arrives later: parameters and residual make up all gradients, under lost and doubled messages",
        arguments: [GradientCompression.topK(fraction: 0.1), .signs], 1...3 as ClosedRange<UInt64>)
    func errorFeedback(compression: GradientCompression, seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let faults = SeededFaults(
                seed: seed, replyLoss: 0.1, requestLoss: 0.1, requestDuplication: 0.1,
                isAffected: { $0.hasPrefix("\(ParameterService.name)/") })
            let client = try await cluster.client(
                cluster.mesh("/worker/0", faults: faults), configuration: Self.configuration(["weight": compression]))
            try await client.declare([Self.table()])
            var sum = [Double](repeating: 0, count: 130)
            for step in 0..<25 {
                let gradient = try Self.gradient(step)
                for (place, value) in try Self.floats(gradient).enumerated() { sum[place] += Double(value) }
                #expect(try await client.push(NamedTensors([("weight", gradient)])).failed.isEmpty, "seed \(seed)")
            }
            #expect(faults.counts.repliesLost > 0 && faults.counts.requestsDoubled > 0)
            let parameters = try Self.floats(try await client.pull().tensor(named: "weight"))
            let residuals = try Self.floats(client.compressionResiduals().tensor(named: "weight"))
            for place in sum.indices {
                let missing: Double = sum[place] + Double(parameters[place]) - Double(residuals[place])
                #expect(missing.magnitude < 1e-4, "seed \(seed)")
            }
            // Much is left out at any time, and not more as time goes on.
            let left: Float = residuals.map(\.magnitude).reduce(0, +)
            let all: Double = sum.map(\.magnitude).reduce(0, +)
            #expect(left > 0 && Double(left) < all * 3, "\(left) of \(all)")
        }
    }

    @Test("a small model comes as near to its optimum as without compression", arguments: all)
    func converges(compression: GradientCompression) async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let client = try await cluster.client(
                cluster.mesh("/worker/0"), configuration: Self.configuration(["weight": compression]))
            try await client.declare([Self.table(rule: .sgd(learningRate: 0.1))])
            let optimum = try Self.gradient(7)
            // The gradient of half the squared distance.
            for _ in 0..<150 {
                let weight = try await client.pull().tensor(named: "weight")
                _ = try await client.push(NamedTensors([("weight", try weight - optimum)]))
            }
            let weight = try await client.pull().tensor(named: "weight")
            let distance: Float = try Self.floats(weight - optimum).map(\.magnitude).max() ?? 1
            #expect(distance < 0.05, "\(compression): \(distance)")
        }
    }

    @Test("head, follower and whoever begins from a snapshot hold the same bits", arguments: GradientEncoding.allCases)
    func sameBits(encoding: GradientEncoding) throws {
        let cases: [(TableDeclaration, [UInt64]?)] = [
            (try Self.table(rule: .adam()), nil), (try Self.rows(), [2, 5, 9]),
        ]
        for (table, keys) in cases {
            func state() throws -> PartitionState {
                try PartitionState(
                    id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
                    intactSince: 1, parameters: table.initialValues(ofPartition: 0),
                    fence: Example.fence(Example.session(1)), limits: PushLedger.Limits())
            }
            var (head, follower) = (try state(), try state())
            var keyTensor: AnyTensor?
            if let keys { keyTensor = try AnyTensor(keys, shape: [keys.count]) }
            let groups = table.groups(ofPartition: 0, keys: keyTensor)
            var generator = SplitMix64(seed: 5)
            for sequence in 1...10 as ClosedRange<UInt64> {
                let values = try AnyTensor(
                    CodecTests.values(groups.elementCount, using: &generator), shape: [groups.elementCount])
                var push = try Example.push(sequence)
                push.keys = keyTensor
                push.gradient = values
                if encoding != .none {
                    var encoded = try CodecTests.encoded(encoding, values, groups)
                    encoded.keys = keyTensor
                    encoded.values = try encoded.decoded(groups)
                    push.encoded = encoded
                }
                guard case .record(let record) = head.decide(push, fault: nil) else {
                    Issue.record("no record")
                    return
                }
                #expect(try head.execute(record)[0].outcome == .applied)
                let received: PartitionRecord = try Payload(record.asReceived).decode()
                _ = try follower.execute(received)
            }
            func bytes(_ state: PartitionState) -> [[UInt8]] {
                let payload = Payload(state.snapshot)
                return [Array(payload.head.readableBytesView)]
                    + payload.segments.map { unsafe $0.segment.withUnsafeBytes { unsafe Array($0) } }
            }
            #expect(bytes(follower) == bytes(head))
            let snapshot: PartitionSnapshot = try Payload(follower.snapshot).decode()
            let restarted = try PartitionState(
                snapshot, id: head.id, name: head.name, of: table, epoch: 1, intactSince: 1, limits: PushLedger.Limits()
            )
            #expect(bytes(restarted) == bytes(head))
        }
    }

    private static func rows() throws -> TableDeclaration {
        try TableDeclaration(
            name: "items", rowWidth: 6, rows: TableDeclaration.RowSettings(), initializer: .uniform(low: -1, high: 1),
            key: RandomKey(seed: 1), updateRule: .rowwiseAdagrad())
    }

    @Test("so many bytes leave as the encodings take")
    func bytes() async throws {
        try await SimulatedRuntime.run(seed: 6) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let expected: [(GradientCompression?, Int)] = [
                (nil, 16_384), (.bfloat16, 8_192), (.float16, 8_192), (.int8, 4_096 + 64 * 4), (.signs, 512 + 64 * 4),
                (.topK(fraction: 0.01), 2 * 21 * 8),
            ]
            for (slot, (compression, byteCount)) in expected.enumerated() {
                let client = try await cluster.client(
                    cluster.mesh("/worker/\(slot)"), slot: slot,
                    configuration: Self.configuration(compression.map { ["weight": $0] } ?? [:]))
                try await client.declare([Example.table(shape: [64, 64], partitions: 2)])
                let report = try await client.push(NamedTensors([("weight", .ones([64, 64]))]))
                #expect(report.failed.isEmpty)
                #expect(report.byteCount == byteCount, "\(String(describing: compression))")
            }
        }
    }

    @Test("rows by key are compressed row by row, and their keys are not")
    func keyedRows() async throws {
        try await SimulatedRuntime.run(seed: 7) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let client = try await cluster.client(
                cluster.mesh("/worker/0"), configuration: Self.configuration(["items": .int8]))
            try await client.declare([
                try TableDeclaration(
                    name: "items", rowWidth: 4, rows: TableDeclaration.RowSettings(), initializer: .zeros,
                    key: RandomKey(seed: 1), updateRule: .sgd(learningRate: 1), partitionCount: 2)
            ])
            let values: [Float] = [127, 0, 1, -127, 254, -2, 0, 4]
            let rows = try KeyedRows(keys: [3, .max], values: AnyTensor(values, shape: [2, 4]))
            let report = try await client.push(NamedTensors(), rows: ["items": rows])
            #expect(report.failed.isEmpty && report.byteCount == 2 * (8 + 4 + 4))
            let found = try await client.pull(rows: [3, .max], of: "items").scalars(as: Float.self)
            #expect(found == values.map { -$0 })
        }
    }

    @Test(
        "parameters come as 16-bit floats where a worker asks for that, and servers keep all bits",
        arguments: [(GradientCompression.bfloat16, DType.bfloat16), (.float16, .float16)])
    func halfPulls(compression: GradientCompression, dtype: DType) async throws {
        try await SimulatedRuntime.run(seed: 12) { runtime in
            let cluster = try await TestCluster.start(runtime)
            var configuration = ParameterClientConfiguration()
            configuration.pullCompression = ["weight": compression, "items": compression]
            let client = try await cluster.client(cluster.mesh("/worker/0"), configuration: configuration)
            let initializer = Initializer.uniform(low: -1, high: 1)
            let table = try Example.table("weight", shape: [5, 7], initializer: initializer, partitions: 2)
            try await client.declare([table, Self.rows(), Example.table("bias", shape: [3], initializer: initializer)])
            let whole = try await cluster.reader().pull()
            let pulled = try await client.pull()
            let weight = try whole.tensor(named: "weight")
            #expect(
                try Example.bits(pulled.tensor(named: "weight"))
                    == Example.bits(weight.cast(to: dtype).cast(to: .float32)))
            #expect(try Example.bits(pulled.tensor(named: "weight")) != Example.bits(weight))
            #expect(try Example.bits(pulled.tensor(named: "bias")) == Example.bits(whole.tensor(named: "bias")))
            let rows = try await client.pull(rows: [1, 2], of: "items")
            #expect(try Example.bits(rows) == Example.bits(rows.cast(to: dtype).cast(to: .float32)))
            configuration.pullCompression = ["nothing": compression]
            let other = try await cluster.client(cluster.mesh("/worker/1"), slot: 1, configuration: configuration)
            let unknown = await parameterServerError { try await other.declare([table]) }
            #expect(unknown?.code == .invalidConfiguration && unknown?.message.contains("nothing") == true)
            configuration.pullCompression = ["weight": .int8]
            let invalid = configuration
            #expect(await parameterServerError { try invalid.validate() }?.code == .invalidConfiguration)
        }
    }

    @Test("a worker that starts again with what was left out goes on with the same bits", arguments: [true, false])
    func restart(keepsResiduals: Bool) async throws {
        func train(restartingAt restart: Int?) async throws -> [UInt32] {
            try await SimulatedRuntime.run(seed: 8) { runtime in
                let cluster = try await TestCluster.start(runtime)
                func start() async throws -> ParameterClient {
                    let client = try await cluster.client(
                        cluster.mesh("/worker/0"), configuration: Self.configuration(["weight": .topK(fraction: 0.05)]))
                    try await client.declare([Self.table()])
                    return client
                }
                var client = try await start()
                for step in 0..<10 {
                    if step == restart {
                        let kept = try client.compressionResiduals()
                        client.close()
                        client = try await start()
                        if keepsResiduals { try client.restore(compressionResiduals: kept) }
                    }
                    #expect(try await client.push(NamedTensors([("weight", Self.gradient(step))])).failed.isEmpty)
                }
                return try Example.bits(try await client.pull().tensor(named: "weight"))
            }
        }
        let (whole, restarted) = (try await train(restartingAt: nil), try await train(restartingAt: 6))
        #expect((whole == restarted) == keepsResiduals)
    }

    @Test("what a refused push carried is sent again by error feedback")
    func takesBack() async throws {
        try await SimulatedRuntime.run(seed: 9) { runtime in
            let cluster = try await TestCluster.start(runtime)
            struct Stop: Error {}
            let client = try await cluster.client(
                cluster.mesh("/worker/0"), configuration: Self.configuration(["weight": .topK(fraction: 0.1)]),
                observer: PushObserver(beforeFirstAttempt: { _ in throw Stop() }))
            try await client.declare([Self.table()])
            let gradient = try Self.gradient(1)
            await #expect(throws: Stop.self) { _ = try await client.push(NamedTensors([("weight", gradient)])) }
            let kept = try client.compressionResiduals().tensor(named: "weight")
            #expect(try Example.bits(kept) == Example.bits(gradient))
        }
    }

    @Test("a gradient that is not finite leaves the residual alone, and is refused or skipped as ever")
    func notFinite() async throws {
        try await SimulatedRuntime.run(seed: 10) { runtime in
            let cluster = try await TestCluster.start(runtime)
            var configuration = Self.configuration(["weight": .signs])
            configuration.checksBeforeSend = false
            let client = try await cluster.client(cluster.mesh("/worker/0"), configuration: configuration)
            var table = try Self.table(partitions: 1)
            table.nonFinitePolicy = .skip
            try await client.declare([table])
            _ = try await client.push(NamedTensors([("weight", Self.gradient(1))]))
            let before = try Example.bits(client.compressionResiduals().tensor(named: "weight"))
            let report = try await client.push(NamedTensors([("weight", .full([10, 13], Float.nan))]))
            #expect(report.skipped.count == 1 && report.failed.isEmpty)
            #expect(try Example.bits(client.compressionResiduals().tensor(named: "weight")) == before)
        }
    }

    @Test("compression that does not fit the tables, or is out of range, is an error that names the table")
    func refusals() async throws {
        try await SimulatedRuntime.run(seed: 11) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let client = try await cluster.client(
                cluster.mesh("/worker/0"), configuration: Self.configuration(["items": .signs, "nothing": .int8]))
            let error = await parameterServerError { try await client.declare([Self.rows(), Self.table()]) }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains("items is of rows") == true)
            #expect(error?.message.contains("there is no table nothing") == true)
            for fraction in [0, -1, 1.5, .nan] as [Double] {
                let error = await parameterServerError {
                    try Self.configuration(["weight": .topK(fraction: fraction)]).validate()
                }
                #expect(error?.code == .invalidConfiguration)
            }
            let other = try await cluster.client(
                cluster.mesh("/worker/1"), slot: 1, configuration: Self.configuration(["weight": .signs]))
            try await other.declare([Self.table()])
            for (kept, code) in [
                (try NamedTensors([("bias", .zeros([10, 13]))]), .unknownParameter),
                (try NamedTensors([("weight", .zeros([13, 10]))]), .shapeMismatch),
                (try NamedTensors([("weight", .zeros([10, 13], dtype: .float64))]), .dtypeMismatch),
            ] as [(NamedTensors, ParameterServerError.Code)] {
                let error = await parameterServerError { try other.restore(compressionResiduals: kept) }
                #expect(error?.code == code)
            }
        }
    }

    @Test("a partition refuses bytes that are no gradient of its elements, and changes nothing")
    func partitionRefuses() async throws {
        let partition = try Example.partition(Example.table())
        let faults: [(GradientEncoding, [UInt8], ParameterServerError.Code)] = [
            (.bfloat16, [0, 0, 0], .shapeMismatch), (.int8, [1, 2, 3, 4], .shapeMismatch),
            (.sparse, [9, 0, 0, 0, 0, 0, 0x80, 0x3F], .malformedRequest),
            (.float16, [0, 0x7C, 0, 0, 0, 0, 0, 0], .nonFinite),
        ]
        for (sequence, (encoding, bytes, code)) in faults.enumerated() {
            var push = try Example.push(UInt64(sequence + 1))
            push.gradient = try AnyTensor(bytes, shape: [bytes.count])
            push.encoded = EncodedGradient(encoding, bytes: push.gradient, keys: nil)
            let reply = await partition.reply(to: push)
            guard case .refused(code, _) = reply.outcome else {
                Issue.record("\(encoding): \(reply.outcome)")
                continue
            }
        }
        let parameters = try Self.floats(#require(partition.pullIfFree()).0)
        #expect(parameters == [0, 0, 0, 0])
        #expect(await partition.account()?.rejectedInLedger == 4)
    }
}
