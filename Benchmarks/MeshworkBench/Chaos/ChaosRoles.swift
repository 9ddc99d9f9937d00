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

/// What a process of the cases `chaos` and `failover` is told when it starts.
struct ChaosRole: Codable {
    /// The proxy before the coordinator; of the coordinator itself, nothing.
    var coordinator = 0
    /// The proxy before this server: its address for others.
    var ownProxy = 0
    /// Where the proxies are, as seen from the process.
    var proxyHost = "127.0.0.1"
    /// The address that a server listens at.
    var host = "127.0.0.1"
    /// A server's number, or a worker's slot.
    var number = 0
    /// Where the process keeps what outlives it; nowhere if it is empty.
    var folder = ""
    /// Whether pushes wait for the disk, and not for the system alone.
    var isSynced = true
    var servers = 0
    /// The followers of each partition.
    var followers = 0
    /// What a worker's losses and duplicates follow from.
    var seed: UInt64 = 0
    /// How long an attempt of a call waits for its answer, in milliseconds: what stops answering is noticed soon. `nil`
    /// for the mesh's default.
    var attemptMilliseconds: Int64? = 500
    /// How long sessions live without a sign of life, in seconds.
    var leaseSeconds: Int64 = 3

    /// The most that a push or a pull takes.
    static let timeout = Duration.seconds(10)

    /// The counters: each push adds one to every element.
    static func tables(followers: Int) throws -> [TableDeclaration] {
        try [("weight", 3_072, 5), ("bias", 64, 1)].map { name, count, partitions in
            try TableDeclaration(
                name: name, shape: [count], initializer: .zeros, key: RandomKey(seed: 1),
                updateRule: .sgd(learningRate: 1), partitioning: .count(partitions), replicas: followers)
        }
    }

    func mesh(_ identity: any IdentitySource, faults: (any FaultInjector)? = nil) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.faults = faults
        if let attemptMilliseconds { configuration.retry.attemptTimeout = .milliseconds(attemptMilliseconds) }
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        return try Mesh(
            configuration: configuration, identity: identity, policy: policy,
            runtime: SystemRuntime(
                eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared
            ), logger: DisturbedLog.logger)
    }

    func coordination(_ mesh: Mesh) throws -> CoordinationClient {
        let expected = try IdentityPattern(parsing: "spiffe://bench.example/server")
        return CoordinationClient(
            mesh, coordinator: Destination(host: proxyHost, port: coordinator, identities: [expected]))
    }
}

/// The processes of the cases, each until its standard input ends.
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
        let mesh = try role.mesh(identity)
        var configuration = CoordinatorConfiguration()
        if !role.folder.isEmpty { configuration.folder = role.folder }
        configuration.lease = .seconds(role.leaseSeconds)
        configuration.serversBeforePlacement = role.servers
        let coordinator = try await Coordinator(on: mesh, configuration: configuration, logger: DisturbedLog.logger)
        try answer(try await mesh.listen(host: "127.0.0.1", port: 0).port)
        try await coordinator.run()
    }

    private static func serve(
        _ role: ChaosRole, _ identity: any IdentitySource, _ answer: (Int) throws -> Void
    ) async throws {
        let mesh = try role.mesh(identity)
        var configuration = ParameterServerConfiguration()
        if !role.folder.isEmpty {
            var log = PartitionLogConfiguration(folder: role.folder, sync: role.isSynced ? .disk : .process)
            // Small, so that it is replaced by snapshots again and again.
            log.bytes = 16 << 20
            log.waitingBytes = 4 << 20
            configuration.log = log
        }
        let server = try ParameterServer(
            named: "server-\(role.number)", on: mesh,
            coordination: try role.coordination(mesh), configuration: configuration, logger: DisturbedLog.logger)
        var address = try await mesh.listen(host: role.host, port: 0)
        try answer(address.port)
        if role.ownProxy > 0 { (address.host, address.port) = (role.proxyHost, role.ownProxy) }
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
