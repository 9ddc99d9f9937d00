import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport

/// Services of several servers, and clients that call them, in a simulation to which disturbances happen.
///
/// Everything is the product's own: both stacks, connections, handshakes with the real verifier. Servers and clients have
/// certificates of their own; every call is in the ``CallJournal``.
final class MeshSimulation: Sendable {
    /// How large it is, and how it is called.
    struct Shape: Sendable {
        var services = 2
        var serversEach = 4
        /// Spread over the services: each calls one.
        var clients = 12
        /// How many servers of its service a client connects to; `nil` for all.
        var subset: Int?
        /// For how long calls are begun.
        var length: Duration = .seconds(34)
        /// The mean of the times between two calls of a client, which come at random.
        var pause: Duration = .milliseconds(800)
        /// Whether the endpoints that take calls are counted each second.
        var isSampled = false
        /// How often each kind of call is made beside the others.
        var kinds: [(CallJournal.Kind, share: Int)] = [
            (.idempotent, 10), (.once, 3), (.deduplicated, 4), (.streamed, 2), (.bulk, 1),
        ]

        var peers: Int { services * serversEach + clients }
        /// How many servers a client is connected to when all is well.
        var linksEach: Int { min(subset ?? serversEach, serversEach) }
        /// The same of all clients.
        var links: Int { clients * linksEach }
    }

    let shape: Shape
    let seed: UInt64
    let runtime: SimulatedRuntime
    let journal = CallJournal()
    /// What happened when.
    let events = EventTrace()
    let serverMetrics = MetricsRegistry()
    let clientMetrics = MetricsRegistry()
    /// What the servers warn of.
    private let serverLog = LogCapture()
    /// Where the schedule begins.
    let start: RuntimeInstant
    private let resolver = StaticResolver()
    private let authority: Mutex<TestAuthority>
    /// The old root and the new one, once there is a new one.
    private let bothRoots = Mutex<TrustBundle?>(nil)
    private let samples = Mutex<[Int]>([])
    private let servers: [SimulatedServer]
    private let clients: [(path: String, identity: RotatableIdentity, client: MeshClient, mesh: Mesh)]

    private init(
        _ shape: Shape, seed: UInt64, _ runtime: SimulatedRuntime, _ configuration: MeshConfiguration
    ) throws {
        self.shape = shape
        self.seed = seed
        self.runtime = runtime
        start = runtime.now
        let first = try TestAuthority(runtime: runtime)
        authority = Mutex(first)
        let quiet = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let policy = try AuthorizationPolicy(rules: [
            .init("clients", methods: ["*"], identities: ["\(first.trustDomain.id)/client/*"])
        ])
        let (journal, serverMetrics, clientMetrics) = (journal, serverMetrics, clientMetrics)
        var warnings = serverLog.logger
        warnings.logLevel = .warning
        servers = try (0..<shape.services * shape.serversEach).map { number in
            let path = "/service/\(number / shape.serversEach)/\(number % shape.serversEach)"
            return SimulatedServer(
                "server-\(number)", path: path, identity: try first.identity(path), runtime, journal
            ) { [warnings] identity in
                try Mesh(
                    configuration: configuration, identity: identity, policy: policy, runtime: runtime,
                    metrics: serverMetrics, logger: warnings)
            }
        }
        var known = configuration
        known.resolver = resolver
        known.balancing.subset = shape.subset.map { .init(size: $0) }
        clients = try (0..<shape.clients).map { [known] number in
            let path = "/client/\(number)"
            let identity = try first.identity(path)
            let mesh = try Mesh(
                configuration: known, identity: identity, policy: .denyAll,
                runtime: runtime.host("client-\(number)"), metrics: clientMetrics, logger: quiet)
            let service = number % shape.services
            let client = mesh.client(
                Destination(
                    service: Self.name(service), identities: [.below(try first.id("/service/\(service)"))]))
            return (path, identity, client, mesh)
        }
    }

    private static func name(_ service: Int) -> String { "service-\(service).test" }

    /// What servers and clients of a simulation are set to unless a test says otherwise: what is waited for is short, so
    /// that much happens in a simulated minute.
    static var configuration: MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.callTimeout = .seconds(10)
        configuration.drainTimeout = .seconds(5)
        configuration.retry.attemptTimeout = .seconds(2)
        configuration.retry.statuses = [.unavailable]
        configuration.connectBackoff.limit = .seconds(2)
        configuration.failureAccrual?.maximumPenalty = .seconds(4)
        return configuration
    }

    /// Runs a simulation of `seed` to its end.
    static func run(
        seed: UInt64, _ shape: Shape = Shape(), _ schedule: [Disturbance],
        configuration: MeshConfiguration = MeshSimulation.configuration
    ) async throws -> SimulationOutcome {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let simulation = try MeshSimulation(shape, seed: seed, runtime, configuration)
            return try await simulation.run(schedule)
        }
    }

    private func run(_ schedule: [Disturbance]) async throws -> SimulationOutcome {
        for server in servers { try await server.start() }
        for service in 0..<shape.services {
            let own = servers[service * shape.serversEach..<(service + 1) * shape.serversEach]
            resolver.set(own.map { ServiceEndpoint($0.endpoint) }, of: Self.name(service))
        }
        let laggard = try makeLaggard()
        try await withThrowingDiscardingTaskGroup { group in
            for disturbance in schedule { group.addTask { try await self.run(disturbance) } }
            for client in clients.indices { group.addTask { await self.makeCalls(client) } }
            if shape.isSampled { group.addTask { try await self.takeSamples() } }
        }
        var outcome = SimulationOutcome(self, schedule, journal.calls)
        outcome.readyEndpoints = readyEndpoints
        outcome.readySamples = samples.withLock { $0 }
        outcome.retries = Self.sum(clientMetrics, "mesh_retries_total")
        outcome.connectFailures = Self.sum(clientMetrics, "mesh_connect_failures_total")
        if let both = bothRoots.withLock({ $0 }) {
            laggard.identity.set(bundle: both)
            let before = serverLog.all("handshake failed").count
            let error = await meshError { _ = try await laggard.client.call(Echo.echo, Note("0")) }
            let reasons = serverLog.all("handshake failed").dropFirst(before).map { $0.metadata["error"] ?? "none" }
            outcome.laggard = error.map { .refused($0, by: reasons) } ?? .served
        }
        laggard.client.close()
        for client in clients { client.client.close() }
        for server in servers { await server.stop() }
        try await runtime.sleep(for: .seconds(30))
        outcome.connectionsLeft = clients.reduce(0) { $0 + $1.mesh.connections.count }
        outcome.trace = runtime.trace.text
        return outcome
    }

    private var readyEndpoints: Int { Self.sum(clientMetrics, "mesh_endpoints", #"state="ready""#) }

    private func takeSamples() async throws {
        while runtime.now < start.advanced(by: shape.length) {
            samples.withLock { $0.append(readyEndpoints) }
            try await runtime.sleep(for: .seconds(1))
        }
    }

    private static func sum(_ metrics: MetricsRegistry, _ name: String, _ label: String = "") -> Int {
        metrics.lines(of: name).filter { label.isEmpty || $0.contains(label) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0) { $0 + Int($1) }
    }

    // MARK: Calls

    private func makeCalls(_ client: Int) async {
        var generator = SplitMix64(seed: seed &* 0x9E37_79B9 ^ UInt64(client) << 20)
        let end = start.advanced(by: shape.length)
        await withDiscardingTaskGroup { group in
            while true {
                // Times between calls are exponentially distributed.
                let pause = shape.pause * -log(1 - generator.nextUnit())
                guard (try? await runtime.sleep(for: pause)) != nil, runtime.now < end else { return }
                let kind = anyKind(&generator)
                group.addTask { await self.call(kind, client) }
            }
        }
    }

    private func anyKind(_ generator: inout SplitMix64) -> CallJournal.Kind {
        var place = Int.random(in: 0..<shape.kinds.reduce(0) { $0 + $1.share }, using: &generator)
        for (kind, share) in shape.kinds {
            if place < share { return kind }
            place -= share
        }
        return .idempotent
    }

    private func call(_ kind: CallJournal.Kind, _ index: Int) async {
        let client = clients[index].client
        let number = journal.begin(kind, service: index % shape.services, client: index, now: runtime.now)
        let note = Note("\(number)")
        do {
            let answer: Note
            switch kind {
            case .idempotent: answer = try await client.call(Echo.echo, note)
            case .bulk: answer = try await client.call(Echo.echo, note, lane: .bulk)
            case .once: answer = try await client.call(Echo.once, note)
            case .deduplicated: answer = try await client.call(Echo.count, note)
            case .streamed:
                answer = try await client.call(Echo.repeated, note) { responses in
                    var all: [Note] = []
                    for try await response in responses { all.append(response) }
                    return all.count == 3 && Set(all.map(\.text)).count == 1 ? all[0] : Note("\(all.count) responses")
                }
            }
            journal.ended(number, answer.text, now: runtime.now)
            runtime.record("call \(number): \(answer.text)")
        } catch {
            journal.failed(number, error, now: runtime.now)
            runtime.record("call \(number) failed: \((error as? MeshError)?.code.description ?? "\(error)")")
        }
    }

    // MARK: Disturbances

    private func run(_ disturbance: Disturbance) async throws {
        try await runtime.sleep(until: start.advanced(by: disturbance.begin))
        events.record("\(disturbance.kind) begins", at: runtime.now)
        let end = start.advanced(by: disturbance.end)
        switch disturbance.kind {
        case .restart(let server):
            await servers[server].stop()
            try await runtime.sleep(for: .milliseconds(Int64(runtime.randomBits() % 500)))
            try await servers[server].start()
        case .rollingRestart(let service):
            for server in members(service) {
                await servers[server].stop()
                try await servers[server].start()
                // As whoever restarts servers does: the next one once this one serves again.
                try await runtime.sleep(for: .milliseconds(500))
            }
        case .crash(let server):
            servers[server].crash()
            try await runtime.sleep(until: end)
            try await servers[server].start()
        case .behaves(let server, let behaviour):
            servers[server].behave(behaviour)
            try await runtime.sleep(until: end)
            servers[server].behave(.sound)
        case .allBehave(let service, let behaviour):
            for server in members(service) { servers[server].behave(behaviour) }
            try await runtime.sleep(until: end)
            for server in members(service) { servers[server].behave(.sound) }
        case .partition(let server, let clients):
            let (names, place) = (clients?.map { "client-\($0)" } ?? [nil], servers[server].endpoint)
            for name in names { runtime.partition(from: name, to: place) }
            try await runtime.sleep(until: end)
            for name in names { runtime.heal(from: name, to: place) }
        case .outage(let service):
            for server in members(service) { servers[server].crash() }
            try await runtime.sleep(until: end)
            for server in members(service) { try await servers[server].start() }
        case .rotation:
            let authority = authority.withLock { $0 }
            try await forEachPeer(within: disturbance.end - disturbance.begin) { identity, path in
                identity.set(svid: try authority.svid(path))
            }
        case .rootRotation: try await rotateRoot(within: disturbance.end - disturbance.begin)
        }
        events.record("\(disturbance.kind) is over", at: runtime.now)
    }

    private func members(_ service: Int) -> Range<Int> {
        service * shape.serversEach..<(service + 1) * shape.serversEach
    }

    private func rotateRoot(within length: Duration) async throws {
        let old = authority.withLock { $0 }
        let new = try TestAuthority(runtime: runtime)
        let domain = old.trustDomain
        let (oldRoots, newRoots) = (
            try old.authority.bundle().roots(of: domain), try new.authority.bundle().roots(of: domain)
        )
        let (both, only) = (
            try TrustBundle([domain: oldRoots + newRoots], generation: 2),
            try TrustBundle([domain: newRoots], generation: 3)
        )
        try await forEachPeer(within: length / 4) { identity, _ in identity.set(bundle: both) }
        bothRoots.withLock { $0 = both }
        authority.withLock { $0 = new }
        try await forEachPeer(within: length / 4) { identity, path in identity.set(svid: try new.svid(path)) }
        // Handshakes that have begun with old certificates are finished.
        try await runtime.sleep(for: length / 8)
        try await forEachPeer(within: length / 4) { identity, _ in identity.set(bundle: only) }
    }

    /// Does something to every peer, one after the other.
    private func forEachPeer(
        within length: Duration, _ body: (RotatableIdentity, _ path: String) throws -> Void
    ) async throws {
        let peers = servers.map { ($0.identity, $0.path) } + clients.map { ($0.identity, $0.path) }
        var generator = SplitMix64(seed: runtime.randomBits())
        for (identity, path) in peers.shuffled(using: &generator) {
            try body(identity, path)
            try await runtime.sleep(for: length / peers.count)
        }
    }

    /// A client whose certificate is of the first root, and stays so.
    private func makeLaggard() throws -> (client: MeshClient, identity: RotatableIdentity) {
        let authority = authority.withLock { $0 }
        var configuration = Self.configuration
        configuration.resolver = resolver
        configuration.retry.maximumAttempts = 1
        let identity = try authority.identity("/client/laggard")
        let mesh = try Mesh(
            configuration: configuration, identity: identity, policy: .denyAll, runtime: runtime,
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
        let client = mesh.client(
            Destination(service: Self.name(0), identities: [.below(try authority.id("/service/0"))]))
        return (client, identity)
    }
}
