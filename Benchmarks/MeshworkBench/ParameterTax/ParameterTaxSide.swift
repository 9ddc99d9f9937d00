import Identity
import Optimizers

/// The processes of one step of the case `tax`, and what speaks to them.
struct ParameterTaxSide {
    /// Whoever sends.
    private enum Sender {
        case bare(BareEchoClient, BareSinkClient)
        case mesh(MeshCaller)
        case workers(small: ParameterWorker, large: ParameterWorker)
    }

    let step: ParameterTaxStep
    private let servers: [PeerProcess]
    private let sender: Sender

    /// - Parameters:
    ///   - small: the elements of a small push.
    ///   - large: those of a large one.
    init(_ step: ParameterTaxStep, _ peers: Peers, small: Int, large: Int) async throws {
        self.step = step
        let identity = peers.identities.client
        switch step {
        case .plain, .tls:
            let prefix = step == .plain ? "plain" : "bare"
            servers = try ["echo", "sink"].map { try peers.server("\(prefix)-\($0)") }
            let own = step == .plain ? nil : identity.current
            sender = .bare(
                try await BareEchoClient(port: servers[0].port, as: own),
                try await BareSinkClient(port: servers[1].port, as: own))
        case .mesh:
            servers = [try peers.server("mesh")]
            sender = .mesh(
                MeshCaller(
                    try MeshSide.client(port: servers[0].port, identity: identity), isOnExecutor: true,
                    messageBytes: small * 4))
        case .ledger, .log, .syncedLog, .follower, .everything:
            let first = try peers.server(ParameterSide.role(step.log))
            func worker(_ slot: Int, _ elements: Int) async throws -> ParameterWorker {
                try await ParameterWorker(
                    port: first.port, identity: identity, slot: slot, elements: elements, .sgd(learningRate: 1),
                    isOnExecutor: true, replicas: step.hasFollower ? 1 : 0)
            }
            let (pushing, filling) = (try await worker(0, small), try await worker(1, large))
            var servers = [first]
            if step.hasFollower {
                // The first server heads all that was declared before the second came.
                servers.append(try peers.server(ParameterSide.role(step.log, isFollower: true), before: first))
                for worker in [pushing, filling] { try await worker.waitForFollowers() }
            }
            self.servers = servers
            sender = .workers(small: pushing, large: filling)
        }
    }

    /// Makes small pushes, or calls of as many bytes (64 of the bare echo); returns the microseconds that each took.
    func small(_ count: Int, depth: Int) async throws -> [Double] {
        switch sender {
        case .bare(let echo, _): try await echo.echo(count, depth: depth)
        case .mesh(let caller): try await caller.echo(count, depth: depth)
        case .workers(let small, _): try await small.push(count, depth: depth)
        }
    }

    /// Makes large pushes, or sends as many bytes.
    func large(_ count: Int, bytes: Int, depth: Int) async throws {
        switch sender {
        case .bare(_, let sink): try await sink.send(bytes, count: count, depth: depth)
        case .mesh(let caller): try await caller.send(bytes, count: count, depth: depth)
        case .workers(_, let large): _ = try await large.push(count, depth: depth)
        }
    }

    /// What something takes, with the processor time of all servers.
    func cost(_ body: () async throws -> Void) async throws -> Cost {
        let before = try processorSeconds()
        var cost = try await Cost.of(nil, body)
        cost.server = try processorSeconds() - before
        return cost
    }

    func close() async throws {
        guard case .workers(let small, let large) = sender else { return }
        try await small.close()
        try await large.close()
    }

    private func processorSeconds() throws -> Double {
        try servers.reduce(0) { $0 + (try $1.report().processorSeconds) }
    }
}
