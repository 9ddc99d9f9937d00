import Coordination
import Identity
import MeshTransport
import MeshWire
import NIOCore
import NIOPosix
import Optimizers
import ParameterServer
import Tensor

/// `push-pull`: pushes of 16 MiB over mutual TLS, four in flight, beside a bare NIO + NIOSSL server that takes 16 MiB
/// and answers a byte, in the same run.
enum PushPull: Benchmark {
    static let name = "push-pull"
    static let summary = "16 MiB pushes, 4 in flight: transport alone, with scan and SGD, with Adam"

    private static let bytes = 16 << 20
    private static let depth = 4

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let pushes = isQuick ? 8 : 40
        var rounds = Rounds(count: isQuick ? 3 : 5)
        var workerNames: [String] = []
        try await Peers.with { peers in
            let identity = peers.identities.client
            let bare = try await BareSinkClient(port: try peers.server("bare-sink").port, as: identity.current)
            let transport = MeshCaller(
                try MeshSide.client(port: try peers.server("mesh").port, identity: identity), isOnExecutor: false)
            let parameterServer = try peers.server("parameters")
            let sgd = try await Worker(
                port: parameterServer.port, identity: identity, slot: 0, .sgd(learningRate: 0.01))
            let adam = try await Worker(
                port: parameterServer.port, identity: identity, slot: 1, .adam(learningRate: 1e-3))
            workerNames = [sgd.name, adam.name]

            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, name)
                let sides: [(String, Double)] = [
                    ("bare", try await seconds { try await bare.send(bytes, count: pushes, depth: depth) }),
                    ("transport", try await seconds { try await transport.send(bytes, count: pushes, depth: depth) }),
                    ("sgd", try await seconds { try await sgd.push(pushes, depth: depth) }),
                    ("adam", try await seconds { try await adam.push(pushes, depth: depth) }),
                ]
                // The first round warms every side up.
                guard round > 0 else { continue }
                for (side, seconds) in sides { rounds.add(Double(pushes * bytes) / seconds / 1e9, to: side) }
                for worker in [sgd, adam] { rounds.add(try worker.applyMilliseconds(), to: "apply \(worker.name)") }
            }
            try await sgd.close()
            try await adam.close()
        }

        for (side, label, target) in [
            ("transport", "transport alone", 0.7), ("sgd", "with scan and SGD", 0.35),
            ("adam", "with scan and Adam", nil),
        ] {
            report.add(
                Figure(
                    benchmark: name, name: "pushes of 16 MiB, \(label)", unit: "GB/s", ours: rounds.median(side),
                    peer: rounds.median("bare"), peerName: "NIO + NIOSSL", better: .higher, target: target, threads: 1))
        }
        for worker in workerNames {
            report.add(
                Figure(
                    benchmark: name, name: "the apply of 16 MiB by itself, \(worker)", unit: "ms",
                    ours: rounds.median("apply \(worker)"), peer: nil, peerName: nil, better: .lower, target: nil,
                    threads: 1))
        }
    }

    private static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = NIODeadline.now()
        try await body()
        return Double((NIODeadline.now() - start).nanoseconds) / 1e9
    }
}

/// One worker with a table of 16 MiB.
private struct Worker: Sendable {
    let name: String
    private let rule: UpdateRule
    private let coordination: CoordinationClient
    private let client: ParameterClient
    private let gradients: NamedTensors

    init(port: Int, identity: any IdentitySource, slot: Int, _ rule: UpdateRule) async throws {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let mesh = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
        let expected = try IdentityPattern(parsing: "spiffe://bench.example/server")
        coordination = CoordinationClient(
            mesh, coordinator: Destination(host: "127.0.0.1", port: port, identities: [expected]))
        client = try ParameterClient(try await coordination.openSession(slot: slot), coordination)
        name = "\(rule.kind)"
        self.rule = rule
        let table = try TableDeclaration(
            name: "weights-\(slot)", shape: [4 << 20], initializer: .zeros, key: RandomKey(seed: 1), updateRule: rule)
        try await client.declare([table])
        gradients = try NamedTensors([
            (
                table.name,
                try Initializer.constant(0.5).values(
                    key: RandomKey(seed: 1), elements: 0..<(4 << 20), of: [4 << 20])
            )
        ])
        _ = try await client.pull()
    }

    /// Makes `count` pushes, `depth` at a time, every one of which must be applied.
    func push(_ count: Int, depth: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= depth { try await group.next() }
                group.addTask {
                    let report = try await client.push(gradients)
                    if let failure = report.failed.first { throw failure.error }
                }
            }
            try await group.waitForAll()
        }
    }

    /// How long the partition's part takes without a network: the scan and the update of 16 MiB.
    func applyMilliseconds() throws -> Double {
        var parameters = try gradients.tensor(named: gradients.names[0])
        let gradient = parameters
        var state = try rule.makeState(parameters.shape)
        // The first update takes memory of its own; the second is the one that counts.
        try rule.apply(to: &parameters, gradient: gradient, state: &state)
        let start = NIODeadline.now()
        _ = try gradient.firstNonFinite()
        try rule.apply(to: &parameters, gradient: gradient, state: &state)
        return Double((NIODeadline.now() - start).nanoseconds) / 1e6
    }

    func close() async throws {
        client.close()
        try await coordination.close(client.session)
        coordination.closeConnection()
    }
}

/// The server's side: coordinator and parameter server in one process, on one mesh.
enum ParameterSide {
    static func start(identity: any IdentitySource) async throws -> (mesh: Mesh, port: Int, parts: [any Sendable]) {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"])
        ])
        let mesh = try Mesh(identity: identity, policy: policy, runtime: runtime)
        let coordinator = try await Coordinator(on: mesh)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        let expected = IdentityPattern.exact(identity.current.svid.spiffeID)
        let coordination = CoordinationClient(
            mesh, coordinator: Destination(host: address.host, port: address.port, identities: [expected]))
        let server = try ParameterServer(named: "server", on: mesh, coordination: coordination)
        try await server.register(at: address)
        return (mesh, address.port, [coordinator, server])
    }
}
