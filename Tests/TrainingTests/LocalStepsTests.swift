import Coordination
import Identity
import Logging
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

@Suite struct LocalStepsTests {
    /// A linear layer whose outputs are to be zero.
    private struct Linear: Model {
        func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
            try p["head"].dense(input, 2)
        }
    }

    private static let rate: Float = 0.01
    private static let outer = UpdateRule.sgd(learningRate: 0.7, momentum: 0.9, nesterov: true)
    private static let consistency = Consistency.deterministic(workers: 2)
    private static let (localSteps, roundCount) = (3, 4)

    private static func declaration() throws -> ModelDeclaration {
        try initialize(Linear(), key: RandomKey(seed: 4), example: [1, 3])
    }

    /// The batches of a worker, as many as it takes steps.
    private static func batches(_ slot: Int) throws -> [Batch] {
        let count = localSteps * roundCount * 2 * 4
        let inputs = try RandomKey(seed: 8).uniform([count, 3])
        let batches = try ShufflingBatches(
            inputs: Tensor(inputs.scalars(as: Float.self), shape: [count, 3]),
            labels: Tensor(Array(repeating: Int32(0), count: count)), batchSize: 4, key: RandomKey(seed: 9))
        return Array(batches.shard(index: slot, of: 2).epoch(0))
    }

    /// The parameters with which each round began, and the last; written down from the paper, in plain loops.
    private static func golden() throws -> [[Double]] {
        // Weights [3, 2], then biases [2].
        let first = try declaration().initialValues()
        var start = try first.flatMap { try $0.tensor.scalars(as: Float.self).map(Double.init) }
        var velocity = Array(repeating: 0.0, count: start.count)
        let inputs = try (0..<2).map { slot in
            try batches(slot).map { $0.inputs.scalars.map(Double.init) }
        }
        var trace = [start]
        for round in 0..<roundCount {
            var sum = Array(repeating: 0.0, count: start.count)
            for slot in 0..<2 {
                var own = start
                for step in 0..<localSteps {
                    var gradient = Array(repeating: 0.0, count: own.count)
                    let rows = inputs[slot][round * localSteps + step]
                    for row in 0..<4 {
                        let x = Array(rows[row * 3..<row * 3 + 3])
                        for unit in 0..<2 {
                            let output = (0..<3).reduce(own[6 + unit]) { $0 + x[$1] * own[$1 * 2 + unit] }
                            for feature in 0..<3 { gradient[feature * 2 + unit] += 2 * output * x[feature] }
                            gradient[6 + unit] += 2 * output
                        }
                    }
                    for place in own.indices { own[place] -= Double(rate) * gradient[place] }
                }
                for place in sum.indices { sum[place] += start[place] - own[place] }
            }
            for place in start.indices {
                let gradient = sum[place] / 2
                velocity[place] = 0.9 * velocity[place] + gradient
                start[place] -= 0.7 * (gradient + 0.9 * velocity[place])
            }
            trace.append(start)
        }
        return trace
    }

    /// Parameters of a client, which keeps what it has pulled. Guarded by a mutex.
    private final class Traced: ParameterStore {
        private let client: ParameterClient
        private let pulls = Mutex<[[Float]]>([])
        var all: [[Float]] { pulls.withLock { $0 } }

        init(_ client: ParameterClient) { self.client = client }

        func pull() async throws -> NamedTensors {
            let parameters = try await client.pull()
            let values = try parameters.flatMap { try $0.tensor.scalars(as: Float.self) }
            pulls.withLock { $0.append(values) }
            return parameters
        }

        func pull(rows keys: [String: [UInt64]]) async throws -> PulledRows { try await client.pull(rows: keys) }

        func push(
            _ gradients: NamedTensors, rows: [String: KeyedRows], computedFrom pulled: PulledRows?
        ) async throws -> PushReport {
            try await client.push(gradients, rows: rows, computedFrom: pulled)
        }
    }

    private struct Killed: Error {}

    /// Trains with two workers, of which the second dies in the step of this number and is replaced.
    private static func train(killedIn victim: Int?) async throws -> [[Float]] {
        try await SimulatedRuntime.run(seed: 17) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
            let central = try Mesh(
                identity: authority.identity("/server"), policy: policy, runtime: runtime, logger: silent)
            let server = try ParameterServer(
                standalone: try await Coordinator(on: central, logger: silent), logger: silent)
            let address = try await central.listen(host: "127.0.0.1", port: 0)
            try await server.register(at: address)
            let destination = try Destination(
                host: address.host, port: address.port, identities: [.exact(authority.id("/server"))])
            let tables = try declaration().tables(
                updateRule: outer, partitioning: .bytes(12), consistency: consistency)

            @Sendable func client(_ slot: Int) async throws -> ParameterClient {
                let mesh = try Mesh(
                    identity: authority.identity("/worker/\(slot)"), policy: policy, runtime: runtime, logger: silent)
                let coordination = CoordinationClient(mesh, coordinator: destination)
                let client = try ParameterClient(try await coordination.openSession(slot: slot), coordination)
                try await client.declare(tables)
                return client
            }
            @Sendable func train(
                _ parameters: any ParameterStore, _ slot: Int, from step: Int, to end: Int
            ) async throws {
                let trainer = Trainer(
                    Linear(), parameters: parameters, runtime: runtime,
                    localSteps: LocalSteps(localSteps, updateRule: .sgd(learningRate: rate))
                ) { output, _ in (output * output).sum() }
                let own = try batches(slot)
                try await trainer.train(on: Array(own[step..<own.count]), firstStep: step) { step in
                    if step.number == end { throw Killed() }
                }
            }
            let traced = Traced(try await client(0))
            async let first: Void = train(traced, 0, from: 0, to: .max)
            if let victim {
                do {
                    try await train(try await client(1), 1, from: 0, to: victim)
                } catch is Killed {}
                // Nobody has heard of its last steps.
                try await train(try await client(1), 1, from: victim / localSteps * localSteps, to: .max)
            } else {
                try await train(try await client(1), 1, from: 0, to: .max)
            }
            try await first
            _ = try await traced.pull()
            return traced.all
        }
    }

    @Test(
        "local steps with an outer optimizer follow the golden trace, with a worker that dies in the second round too")
    func followsGolden() async throws {
        let golden = try Self.golden()
        let undisturbed = try await Self.train(killedIn: nil)
        #expect(undisturbed.count == Self.roundCount + 1)
        for (round, (found, expected)) in zip(undisturbed, golden).enumerated() {
            for (value, wanted) in zip(found, expected) {
                #expect(abs(Double(value) - wanted) <= 1e-5 * max(1, abs(wanted)), "round \(round)")
            }
        }
        // It is not the trace of a job that takes no outer steps, or no local ones.
        #expect(golden[0] != golden[1] && golden[1] != golden[2])
        #expect(try await Self.train(killedIn: 4) == undisturbed)
    }

    @Test("what a rule remembers of local steps stays from round to round, and each round begins at what was pulled")
    func innerState() async throws {
        let declaration = try Self.declaration()
        let (alone, store) = (
            try LocalParameters(declaration, updateRule: .adam(learningRate: 0.05)),
            try LocalParameters(declaration, updateRule: .sgd(learningRate: 1))
        )
        // The outer rule with rate 1 takes the whole way, so that it is as if no rounds were.
        let batches = try Self.batches(0)
        let loss: @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float> = { output, _ in
            (output * output).sum()
        }
        try await Trainer(Linear(), parameters: alone, runtime: SystemRuntime.shared, loss: loss).train(on: batches)
        let steps = Mutex<[Int]>([])
        try await Trainer(
            Linear(), parameters: store, runtime: SystemRuntime.shared,
            localSteps: LocalSteps(5, updateRule: .adam(learningRate: 0.05)), loss: loss
        ).train(on: batches) { step in steps.withLock { $0.append(step.number) } }
        #expect(steps.withLock { $0 } == Array(0..<12))
        for (found, expected) in zip(store.pull(), alone.pull()) {
            let (found, expected) = (
                try found.tensor.scalars(as: Float.self), try expected.tensor.scalars(as: Float.self)
            )
            for (value, wanted) in zip(found, expected) { #expect(abs(value - wanted) < 1e-5) }
        }
    }
}
