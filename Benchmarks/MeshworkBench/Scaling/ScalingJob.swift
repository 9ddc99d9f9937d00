import Coordination
import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import ParameterServer
import Telemetry
import Tensor

/// A job in a simulation: the code is the product's, the network is memory, the clock is virtual, and the processor
/// time is that of everybody together.
struct ScalingJob: Sendable {
    let runtime: SimulatedRuntime
    /// What the coordinator has counted.
    private let counted: MetricsRegistry
    private let authority: TestAuthority
    private let address: ListenerAddress

    /// Runs `body` beside a coordinator and so many servers.
    ///
    /// - Parameters:
    ///   - slots: the most workers.
    ///   - lease: how long a session lives without a sign of life; default for ever.
    static func run<Result: Sendable>(
        servers: Int = 1, slots: Int = 1, lease: Duration = .seconds(100_000),
        _ body: @escaping @Sendable @concurrent (ScalingJob) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: 1, latency: latency...latency, limit: .seconds(100_000)) { runtime in
            let (authority, counted) = (
                try TestAuthority(runtime: runtime), MetricsRegistry(maximumSeriesPerFamily: 100_000)
            )
            let mesh = try Self.mesh("/coordinator", runtime, authority, metrics: counted)
            var configuration = CoordinatorConfiguration()
            configuration.slots = slots
            configuration.lease = lease
            configuration.serversBeforePlacement = servers
            let coordinator = try await Coordinator(on: mesh, configuration: configuration, logger: silent)
            let job = ScalingJob(
                runtime: runtime, counted: counted, authority: authority,
                address: try await mesh.listen(host: "127.0.0.1", port: 0))
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await coordinator.run() }
                var running: [ParameterServer] = []
                for index in 0..<servers { running.append(try await job.start(index)) }
                defer { withExtendedLifetime(running) {} }
                let result = try await body(job)
                group.cancelAll()
                return result
            }
        }
    }

    /// How long a message takes.
    static let latency = Duration.microseconds(100)

    /// A way to the coordinator, of a process of its own.
    func coordination(_ path: String) throws -> CoordinationClient {
        let expected = try IdentityPattern.exact(authority.id("/coordinator"))
        return CoordinationClient(
            try Self.mesh(path, runtime, authority),
            coordinator: Destination(host: address.host, port: address.port, identities: [expected]))
    }

    /// Where a server listens, for faults of the network.
    func endpoints() async throws -> [Endpoint] {
        try await coordination("/reader").fetchMap().servers.map { .tcp(host: $0.host, port: $0.port) }
    }

    /// The calls that the coordinator has had of workers: all but servers' signs of life.
    func coordinatorCalls() -> Double {
        let page = String(decoding: PrometheusText.render(counted), as: UTF8.self)
        return page.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix("request_total{"), line.contains("direction=\"inbound\""),
                !line.contains("RenewServer"), let value = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return sum }
            return sum + value
        }
    }

    /// The bytes of a checkpoint of all partitions: parameters, ledgers, and what is always there.
    func checkpointBytes() async throws -> Double {
        let checkpoints = try ParameterCheckpoints(
            try coordination("/checkpoints"), job: "scaling", folder: Self.checkpoints)
        return Double(try await checkpoints.write(step: 1).byteCount)
    }

    private static let checkpoints = "/checkpoints"

    private func start(_ index: Int) async throws -> ParameterServer {
        let mesh = try Self.mesh("/server/\(index)", runtime, authority)
        let expected = try IdentityPattern.exact(authority.id("/coordinator"))
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: Self.checkpoints)
        let server = try ParameterServer(
            named: "server-\(index)", on: mesh,
            coordination: CoordinationClient(
                mesh, coordinator: Destination(host: address.host, port: address.port, identities: [expected])),
            configuration: configuration, logger: Self.silent)
        try await server.register(at: try await mesh.listen(host: "127.0.0.1", port: 0))
        return server
    }

    private static func mesh(
        _ path: String, _ runtime: SimulatedRuntime, _ authority: TestAuthority,
        metrics: MetricsRegistry = MetricsRegistry()
    ) throws -> Mesh {
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        var configuration = MeshConfiguration()
        // Nothing fails here: what takes long on the virtual clock does so because there is much of it.
        configuration.keepAlive = nil
        configuration.retry.attemptTimeout = .seconds(50_000)
        configuration.limits.requestTimeout = .seconds(50_000)
        configuration.limits.frameTimeout = .seconds(50_000)
        return try Mesh(
            configuration: configuration, identity: authority.identity(path), policy: policy, runtime: runtime,
            metrics: metrics,
            logger: silent)
    }

    private static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}

extension ScalingJob {
    /// A worker that has declared its tables.
    struct Worker: Sendable {
        let client: ParameterClient
        let gradients: NamedTensors
        fileprivate let coordination: CoordinationClient

        /// Gives signs of life until the task is cancelled.
        func keepAlive() async throws { try await coordination.keepAlive(client.session) }

        /// Pushes a step; all of it must be applied.
        func push() async throws {
            let report = try await client.push(gradients)
            if let failure = report.failed.first { throw failure.error }
        }

        /// Pushes `steps` steps, `window` at a time.
        func push(_ steps: Int, window: Int) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for step in 0..<steps {
                    if step >= window { try await group.next() }
                    group.addTask { try await push() }
                }
                try await group.waitForAll()
            }
        }
    }

    /// A worker in `slot`.
    func worker(_ slot: Int, _ tables: [TableDeclaration]) async throws -> Worker {
        let coordination = try coordination("/worker/\(slot)")
        var configuration = ParameterClientConfiguration()
        // Of the virtual clock, which nobody waits for.
        configuration.timeout = .seconds(50_000)
        let client = try ParameterClient(
            try await coordination.openSession(slot: slot), coordination, configuration: configuration)
        try await client.declare(tables)
        let gradients = try tables.ones()
        return Worker(client: client, gradients: gradients, coordination: coordination)
    }

    /// The processor seconds that `body` takes, of the median of some rounds after one that warms up.
    func processorSeconds(_ rounds: Int, _ body: () async throws -> Void) async throws -> Double {
        try await body()
        var times: [Double] = []
        for _ in 0..<rounds {
            let start = ProcessReport.processorSeconds()
            try await body()
            times.append(ProcessReport.processorSeconds() - start)
        }
        return Statistics.median(times)
    }

    static func table(_ name: String, elements: Int, partitions: Int = 1) throws -> TableDeclaration {
        try TableDeclaration(
            name: name, shape: [elements], initializer: .zeros, key: RandomKey(seed: 1),
            updateRule: .sgd(learningRate: 1), partitioning: .count(partitions))
    }
}
