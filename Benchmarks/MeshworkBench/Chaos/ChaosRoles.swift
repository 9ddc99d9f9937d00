import Coordination
import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOPosix
import Optimizers
import ParameterServer
import Tensor

/// What a process of the case is told when it starts.
struct ChaosRole: Codable {
    /// The proxy before the coordinator; of the coordinator itself, nothing.
    var coordinator = 0
    /// The proxy before this server: its address for others.
    var ownProxy = 0
    /// A server's number, or a worker's slot.
    var number = 0
    /// Where the process keeps what outlives it.
    var folder = ""
    /// Whether pushes wait for the disk, and not for the system alone.
    var isSynced = true
    var servers = 0
    var workers = 0
    /// What a worker's losses and duplicates follow from.
    var seed: UInt64 = 0

    /// How long sessions live without a sign of life.
    static let lease = Duration.seconds(3)
    /// The most that a push or a pull takes.
    static let timeout = Duration.seconds(10)

    /// The counters: each push adds one to every element.
    static func tables() throws -> [TableDeclaration] {
        try [("weight", 3_072, 5), ("bias", 64, 1)].map { name, count, partitions in
            try TableDeclaration(
                name: name, shape: [count], initializer: .zeros, key: RandomKey(seed: 1),
                updateRule: .sgd(learningRate: 1), partitioning: .count(partitions))
        }
    }

    static func mesh(_ identity: any IdentitySource, faults: (any FaultInjector)? = nil) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.faults = faults
        // What stops answering is noticed soon.
        configuration.retry.attemptTimeout = .milliseconds(500)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        return try Mesh(
            configuration: configuration, identity: identity, policy: policy,
            runtime: SystemRuntime(
                eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared
            ), logger: logger)
    }

    /// What is lost, to standard error: warnings are part of the play.
    static let logger: Logger = {
        var logger = Logger(label: "chaos", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        return logger
    }()

    static func coordination(_ mesh: Mesh, port: Int) throws -> CoordinationClient {
        let expected = try IdentityPattern(parsing: "spiffe://bench.example/server")
        return CoordinationClient(
            mesh, coordinator: Destination(host: "127.0.0.1", port: port, identities: [expected]))
    }
}

/// The processes of the case, each until its standard input ends.
enum ChaosRoles {
    /// Runs the role of this name.
    static func run(
        _ name: String, _ configuration: String, as identity: any IdentitySource, _ commands: AsyncStream<String>,
        answer: @escaping @Sendable (Int) throws -> Void
    ) async throws {
        let role = try JSONDecoder().decode(ChaosRole.self, from: Data(configuration.utf8))
        try await withThrowingTaskGroup(of: Void.self) { group in
            switch name {
            case "chaos-coordinator": group.addTask { try await coordinate(role, identity, answer) }
            case "chaos-server": group.addTask { try await serve(role, identity, answer) }
            case "chaos-worker": group.addTask { try await work(role, identity, answer) }
            default: throw BenchmarkFailure("there is no role \"\(name)\"")
            }
            group.addTask { for await _ in commands {} }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static func coordinate(
        _ role: ChaosRole, _ identity: any IdentitySource, _ answer: (Int) throws -> Void
    ) async throws {
        let mesh = try ChaosRole.mesh(identity)
        var configuration = CoordinatorConfiguration()
        configuration.folder = role.folder
        configuration.lease = ChaosRole.lease
        configuration.serversBeforePlacement = role.servers
        let coordinator = try await Coordinator(on: mesh, configuration: configuration, logger: ChaosRole.logger)
        try answer(try await mesh.listen(host: "127.0.0.1", port: 0).port)
        try await coordinator.run()
    }

    private static func serve(
        _ role: ChaosRole, _ identity: any IdentitySource, _ answer: (Int) throws -> Void
    ) async throws {
        let mesh = try ChaosRole.mesh(identity)
        var configuration = ParameterServerConfiguration()
        var log = PartitionLogConfiguration(folder: role.folder, sync: role.isSynced ? .disk : .process)
        // Small, so that it is replaced by snapshots again and again.
        log.bytes = 16 << 20
        log.waitingBytes = 4 << 20
        configuration.log = log
        let server = try ParameterServer(
            named: "server-\(role.number)", on: mesh,
            coordination: try ChaosRole.coordination(mesh, port: role.coordinator), configuration: configuration,
            logger: ChaosRole.logger)
        var address = try await mesh.listen(host: "127.0.0.1", port: 0)
        try answer(address.port)
        address.port = role.ownProxy
        while true {
            do throws(ParameterServerError) {
                try await server.register(at: address)
                break
            } catch {
                // The coordinator is away; a log that cannot be read ends the process.
                guard error.code == .coordination else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        while true { try await Task.sleep(for: .seconds(3_600)) }
    }
}
