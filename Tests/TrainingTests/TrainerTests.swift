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

@Suite struct TrainerTests {
    private struct Perceptron: Model {
        func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
            let hidden = try p["hidden"].dense(input, 7, activation: .relu)
            return try p["head"].dense(hidden, 3)
        }
    }

    /// Steps as they were told, guarded by a mutex.
    private final class Log: Sendable {
        private let steps = Mutex<[TrainingStep]>([])
        var all: [TrainingStep] { steps.withLock { $0 } }
        func add(_ step: TrainingStep) { steps.withLock { $0.append(step) } }
    }

    /// Points in three clouds.
    private static func batches() throws -> ShufflingBatches {
        let key = RandomKey(seed: 21)
        let labels = (0..<96).map { Int32($0 % 3) }
        let noise = try key.uniform([96, 5]).scalars(as: Float.self)
        let inputs = noise.enumerated().map { index, value in
            index % 5 == Int(labels[index / 5]) ? value + 1 : value
        }
        return try ShufflingBatches(
            inputs: Tensor(inputs, shape: [96, 5]), labels: Tensor(labels), batchSize: 16, key: key)
    }

    private static func bits(_ parameters: NamedTensors) throws -> [[UInt32]] {
        try parameters.map { try $0.tensor.scalars(as: Float.self).map(\.bitPattern) }
    }

    /// Pushes that were about to leave, guarded by a mutex.
    private final class Departures: Sendable {
        private let state = Mutex<[PushIdentity]>([])
        var all: [PushIdentity] { state.withLock { $0 } }
        var observer: PushObserver {
            PushObserver(beforeFirstAttempt: { pushes in self.state.withLock { $0 += pushes } })
        }
    }

    /// Trains with one worker on two servers, and returns the parameters.
    private static func trainOnServers(
        _ declaration: ModelDeclaration, _ rule: UpdateRule, epochs: Int, faults: (any FaultInjector)? = nil
    ) async throws -> NamedTensors {
        try await withServers(declaration, rule, faults: faults) { client, _, runtime in
            let trainer = Trainer(Perceptron(), parameters: client, runtime: runtime)
            for epoch in 0..<epochs { try await trainer.train(on: try batches().epoch(epoch)) }
            return try await client.pull()
        }
    }

    /// Runs one worker on two servers that have the tables, most of them in several partitions.
    private static func withServers<Result: Sendable>(
        _ declaration: ModelDeclaration, _ rule: UpdateRule, faults: (any FaultInjector)? = nil,
        observer: PushObserver = PushObserver(),
        _ body:
            @escaping @Sendable @concurrent (ParameterClient, ParameterReader, SimulatedRuntime) async throws ->
            Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: 9) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
            func mesh(_ path: String) throws -> Mesh {
                var configuration = MeshConfiguration()
                configuration.faults = faults
                configuration.retry.attemptTimeout = .milliseconds(50)
                configuration.retry.maximumAttempts = 10
                return try Mesh(
                    configuration: configuration, identity: authority.identity(path), policy: policy, runtime: runtime,
                    logger: silent)
            }
            let central = try mesh("/coordinator")
            let coordinator = try await Coordinator(on: central, logger: silent)
            let listener = try await central.listen(host: "127.0.0.1", port: 0)
            let destination = try Destination(
                host: listener.host, port: listener.port, identities: [.exact(authority.id("/coordinator"))])
            for name in ["one", "two"] {
                let mesh = try mesh("/server/\(name)")
                let server = try ParameterServer(
                    named: name, on: mesh, coordination: CoordinationClient(mesh, coordinator: destination),
                    logger: silent)
                try await server.register(at: try await mesh.listen(host: "127.0.0.1", port: 0))
            }
            let coordination = CoordinationClient(try mesh("/worker/0"), coordinator: destination)
            let session = try await coordination.openSession()
            let client = try ParameterClient(session, coordination, observer: observer)
            try await client.declare(try declaration.tables(updateRule: rule, partitioning: .bytes(64)))
            #expect(coordinator.map.tables.map(\.partitions.count) == [3, 1, 2, 1])
            return try await body(client, try ParameterReader(coordination), runtime)
        }
    }

    @Test(
        "one worker on parameter servers makes the same bits as training on one machine",
        arguments: [UpdateRule.sgd(learningRate: 0.1), .adam(learningRate: 1e-2)])
    func sameBits(rule: UpdateRule) async throws {
        let declaration = try initialize(Perceptron(), key: RandomKey(seed: 4), example: [1, 5])
        let local = try LocalParameters(declaration, updateRule: rule)
        let log = Log()
        let trainer = Trainer(Perceptron(), parameters: local, runtime: SystemRuntime.shared)
        for epoch in 0..<4 {
            try await trainer.train(on: try Self.batches().epoch(epoch), firstStep: 6 * epoch) { log.add($0) }
        }
        let faults = SeededFaults(
            seed: 5, replyLoss: 0.1, requestLoss: 0.1, requestDuplication: 0.1,
            isAffected: { $0.hasPrefix("\(ParameterService.name)/") })
        let remote = try await Self.trainOnServers(declaration, rule, epochs: 4, faults: faults)
        #expect(faults.counts.repliesLost > 0 && faults.counts.requestsDoubled > 0)
        #expect(try Self.bits(remote) == Self.bits(local.pull()))
        #expect(log.all.map(\.number) == Array(0..<24))
        #expect(log.all.allSatisfy { $0.examples == 16 })
        let losses = log.all.map(\.loss)
        #expect(losses.suffix(6).reduce(0, +) < losses.prefix(6).reduce(0, +))
    }

    @Test("a loss that is not finite stops training before anything is pushed")
    func lossNotFinite() async throws {
        let declaration = try initialize(Perceptron(), key: RandomKey(seed: 4), example: [1, 5])
        let local = try LocalParameters(declaration, updateRule: .sgd(learningRate: 1))
        let trainer = Trainer(Perceptron(), parameters: local, runtime: SystemRuntime.shared) { output, _ in
            (output / (output - output)).sum()
        }
        let batches = try Self.batches().epoch(0)
        let error = await #expect(throws: TrainingError.self) { try await trainer.train(on: batches, firstStep: 40) }
        #expect(error?.code == .lossNotFinite)
        #expect(error?.message.contains("step 40") == true)
        #expect(try Self.bits(local.pull()) == Self.bits(declaration.initialValues()))
    }

    @Test("a gradient that is not finite stops training although the loss is: named, and nothing left the worker")
    func gradientNotFinite() async throws {
        let declaration = try initialize(Perceptron(), key: RandomKey(seed: 4), example: [1, 5])
        let departures = Departures()
        try await Self.withServers(declaration, .adam(), observer: departures.observer) { client, reader, runtime in
            let before = try Self.bits(try await client.pull())
            // The square root of zero is zero and infinitely steep.
            let trainer = Trainer(Perceptron(), parameters: client, runtime: runtime) { output, _ in
                (output - output).squareRoot().sum()
            }
            let steps = Log()
            let error = await #expect(throws: ParameterServerError.self) {
                try await trainer.train(on: try Self.batches().epoch(0)) { steps.add($0) }
            }
            #expect(error?.code == .nonFinite)
            let names = try declaration.initialValues().names
            #expect(names.contains { error?.message.contains("of the gradient of \($0) is not finite") == true })
            #expect(steps.all.isEmpty)
            #expect(departures.all.isEmpty)
            let accounts = try await reader.accounts()
            #expect(accounts.map(\.version.applied) == Array(repeating: 0, count: 7))
            #expect(accounts.allSatisfy { $0.sessions.isEmpty })
            #expect(try Self.bits(try await client.pull()) == before)
        }
    }

    @Test("cancelling the task ends training between two steps")
    func cancellation() async throws {
        let declaration = try initialize(Perceptron(), key: RandomKey(seed: 4), example: [1, 5])
        let local = try LocalParameters(declaration, updateRule: .sgd(learningRate: 0.1))
        let trainer = Trainer(Perceptron(), parameters: local, runtime: SystemRuntime.shared)
        let batches = try Self.batches().epoch(0)
        let log = Log()
        let (firstStep, hasEnded) = AsyncStream<Void>.makeStream()
        await withThrowingTaskGroup { group in
            group.addTask {
                try await trainer.train(on: batches) { step in
                    log.add(step)
                    hasEnded.yield()
                    // Ends by the cancellation alone.
                    try? await SystemRuntime.shared.sleep(for: .seconds(3_600))
                }
            }
            for await _ in firstStep { break }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(log.all.count == 1)
    }
}
