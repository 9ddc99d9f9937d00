import MeshWire
import NIOCore

/// Connections in memory, between channels on the loops of a simulation's hosts.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedNetwork: RuntimeNetwork, @unchecked Sendable {
    typealias Initializer = @Sendable (any Channel) -> EventLoopFuture<Void>

    private struct Listener {
        let channel: SimulatedChannel
        let initializer: Initializer
    }

    /// Where the network itself does things: the loop of the simulation, which no host stops.
    let loop: SimulatedLoop
    private let latency: ClosedRange<Duration>
    private let trace: EventTrace
    private var generator: SplitMix64
    /// Apart from the latencies', so that these are the same with faults and without.
    private var faultGenerator: SplitMix64
    private var faults = FaultTable()
    private var listeners: [Endpoint: Listener] = [:]
    /// Who answers datagrams.
    private(set) var datagramServers: [Endpoint: DatagramServer] = [:]
    private var nextPort = 20_000
    /// Those of which an end is open.
    private var connections: [Int: SimulatedConnection] = [:]
    private var lastConnection = 0
    /// Those that are to be made.
    private var attempts: [Int: ConnectAttempt] = [:]
    private var lastAttempt = 0
    /// Those that a partition leaves without an answer.
    private var unanswered: [ConnectAttempt] = []

    init(loop: SimulatedLoop, latency: ClosedRange<Duration>, seed: UInt64, trace: EventTrace) throws {
        anywhere = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        self.loop = loop
        self.latency = latency
        self.trace = trace
        generator = SplitMix64(seed: seed ^ 0x5EED_0F4E_7770_4B21)
        faultGenerator = SplitMix64(seed: seed ^ 0x6661_756C_7473_2121)
    }

    var security: ChannelSecurityStyle { .simulated }

    func listen(on endpoint: Endpoint, initializer: @escaping Initializer) -> EventLoopFuture<any Channel> {
        listen(on: endpoint, from: loop, initializer: initializer)
    }

    /// Listens on `endpoint` for the host on `loop`.
    func listen(
        on endpoint: Endpoint, from loop: SimulatedLoop, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        guard loop.isAlive else { return fails(on: loop) }
        let channel = SimulatedChannel(on: loop)
        var address = endpoint
        if case .tcp(let host, let port) = endpoint {
            if port == 0 {
                nextPort += 1
                address = .tcp(host: host, port: nextPort)
            }
            channel.localAddress = try? SocketAddress(ipAddress: "127.0.0.1", port: port == 0 ? nextPort : port)
        }
        guard listeners[address] == nil else {
            return loop.makeFailedFuture(SimulatedNetworkError(message: "\(address) is in use"))
        }
        listeners[address] = Listener(channel: channel, initializer: initializer)
        channel.closeFuture.whenComplete { [address] _ in
            if self.listeners[address]?.channel === channel { self.listeners[address] = nil }
        }
        return loop.makeSucceededFuture(channel)
    }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        connect(from: nil, on: self.loop, to: endpoint, timeout: timeout, initializer: initializer)
    }

    /// Connects to `endpoint` in the name of `client`, whose loop is `loop`.
    func connect(
        from client: String?, on loop: SimulatedLoop, to endpoint: Endpoint, timeout: Duration,
        initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        guard loop.isAlive else { return fails(on: loop) }
        lastAttempt += 1
        let number = lastAttempt
        let attempt = ConnectAttempt(
            route: FaultTable.Route(client: client, endpoint: endpoint), loop: loop, initializer: initializer,
            deadline: loop.now + .nanoseconds(timeout.inNanoseconds))
        attempts[number] = attempt
        attempt.promise.futureResult.whenComplete { _ in self.attempts[number] = nil }
        self.loop.plan(at: loop.now + delay()) { self.proceed(attempt, to: endpoint) }
        return attempt.promise.futureResult
    }

    private func proceed(_ attempt: ConnectAttempt, to endpoint: Endpoint) {
        guard attempt.loop.isAlive else { return }
        guard !faults.isPartitioned(attempt.route) else { return leaveUnanswered(attempt, to: endpoint) }
        guard let listener = listeners[endpoint] else {
            return attempt.promise.fail(SimulatedNetworkError(message: "nobody listens on \(endpoint)"))
        }
        let connection = link(attempt.route, from: attempt.loop, to: endpoint, at: listener.channel.loop)
        // Either end is set up when its host is at it: a kernel takes connections for one that has stopped.
        setUp(connection.client, of: connection, attempt.initializer) { error in
            if let error { attempt.promise.fail(error) } else { attempt.promise.succeed(connection.client) }
        }
        setUp(connection.server, of: connection, listener.initializer) { _ in }
    }

    /// Sets an end up, on its loop; as a socket would be, one that has no handlers is closed.
    private func setUp(
        _ channel: SimulatedChannel, of connection: SimulatedConnection, _ initializer: @escaping Initializer,
        _ body: @escaping ((any Error)?) -> Void
    ) {
        channel.loop.perform {
            connection.attach(channel)
            initializer(channel).assumeIsolated().whenComplete { result in
                switch result {
                case .success:
                    channel.activate()
                    body(nil)
                    connection.activated(channel)
                case .failure(let error):
                    channel.end()
                    body(error)
                }
            }
        }
    }

    func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        openDatagrams(from: nil, on: self.loop, to: endpoint, initializer: initializer)
    }

    /// Opens a socket in the name of `client`, whose loop is `loop`.
    func openDatagrams(
        from client: String?, on loop: SimulatedLoop, to endpoint: Endpoint, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        guard loop.isAlive else { return fails(on: loop) }
        let channel = SimulatedChannel(on: loop)
        let wire = SimulatedDatagrams(FaultTable.Route(client: client, endpoint: endpoint), on: channel, self)
        let opened = loop.makePromise(of: (any Channel).self)
        loop.perform {
            // An empty pipeline takes any handler.
            try? channel.pipeline.syncOperations.addHandler(wire)
            initializer(channel).assumeIsolated().whenComplete { result in
                switch result {
                case .success:
                    channel.activate()
                    opened.succeed(channel)
                case .failure(let error):
                    channel.end()
                    opened.fail(error)
                }
            }
        }
        return opened.futureResult
    }

    /// Has `server` answer the datagrams to `endpoint`.
    func serveDatagrams(at endpoint: Endpoint, _ server: @escaping DatagramServer) {
        datagramServers[endpoint] = server
    }

    /// What a datagram takes beyond the latency; `nil` for one that does not arrive.
    func chooseForDatagram(
        of count: Int, _ route: FaultTable.Route, _ direction: KeyPath<NetworkFaults, NetworkFaults.Direction>
    ) -> Duration? {
        guard !faults.isPartitioned(route) else { return nil }
        let (fate, extra) = choose(for: faults.faults(of: route)[keyPath: direction], count)
        return fate == .deliver ? extra : nil
    }

    private func leaveUnanswered(_ attempt: ConnectAttempt, to endpoint: Endpoint) {
        unanswered.append(attempt)
        loop.plan(at: attempt.deadline) {
            guard let index = self.unanswered.firstIndex(where: { $0 === attempt }) else { return }
            self.unanswered.remove(at: index)
            attempt.promise.fail(SimulatedNetworkError(message: "\(endpoint) does not answer"))
        }
    }

    func kill(_ endpoint: Endpoint) {
        guard let listener = listeners.removeValue(forKey: endpoint) else { return }
        listener.channel.end()
        for connection in inOrder where connection.route.endpoint == endpoint { connection.server.end() }
    }

    /// What both ends of every connection see of each other.
    private let anywhere: SocketAddress

    private var inOrder: [SimulatedConnection] { connections.sorted { $0.key < $1.key }.map(\.value) }

    private func link(
        _ route: FaultTable.Route, from client: SimulatedLoop, to endpoint: Endpoint, at server: SimulatedLoop
    ) -> SimulatedConnection {
        lastConnection += 1
        let number = lastConnection
        let connection = SimulatedConnection(
            route, name: "connection \(number) from \(route.client ?? "a client") to \(endpoint)", address: anywhere,
            from: client, to: server, self)
        connection.apply(faults.faults(of: route), isPartitioned: faults.isPartitioned(route))
        connections[number] = connection
        for end in [connection.client, connection.server] {
            end.closeFuture.whenComplete { _ in self.forget(number) }
        }
        return connection
    }

    /// Lets go of a connection of which no end is open on a host that lives.
    private func forget(_ number: Int) {
        guard let connection = connections[number] else { return }
        if ![connection.client, connection.server].contains(where: { $0.isOpen && $0.loop.isAlive }) {
            connections[number] = nil
        }
    }

    // MARK: Hosts

    /// Ends what the host on `loop` has open: its listeners, and its connections, whose peers find them reset.
    ///
    /// - Returns: what is to be done on that loop if its tasks are to end: its channels close.
    func hostDied(on loop: SimulatedLoop) -> () -> Void {
        var ends = listeners.values.map(\.channel).filter { $0.loop === loop }
        listeners = listeners.filter { $0.value.channel.loop !== loop }
        for (number, connection) in connections.sorted(by: { $0.key < $1.key }) {
            let own = connection.ends(on: loop)
            guard !own.isEmpty else { continue }
            ends += own
            connection.reset(by: loop, faultGenerator.nextUnit())
            forget(number)
        }
        unanswered.removeAll { $0.loop === loop }
        let waiting = attempts.filter { $0.value.loop === loop }.sorted { $0.key < $1.key }.map(\.value)
        for (number, attempt) in attempts where attempt.loop === loop { attempts[number] = nil }
        return {
            for channel in ends { channel.end(SimulatedNetworkError.died) }
            for attempt in waiting { attempt.promise.fail(SimulatedNetworkError.died) }
        }
    }

    /// What a task of a dead host finds: later, so that one that tries again and again takes turns.
    private func fails(on loop: SimulatedLoop) -> EventLoopFuture<any Channel> {
        let promise = loop.makePromise(of: (any Channel).self)
        loop.plan(at: loop.now + .milliseconds(1)) { promise.fail(SimulatedNetworkError.died) }
        return promise.futureResult
    }

    /// Sees again who may write to the host on `loop`, which has stopped or goes on.
    func pauseChanged(of loop: SimulatedLoop) {
        for connection in inOrder { connection.pauseChanged(of: loop) }
    }

    // MARK: Faults

    /// Changes who is affected by what; open connections, and those that wait for an answer, go on with it.
    func change(_ body: (inout FaultTable) -> Void) {
        body(&faults)
        for connection in inOrder {
            connection.apply(
                faults.faults(of: connection.route), isPartitioned: faults.isPartitioned(connection.route))
        }
        let waiting = unanswered
        unanswered = []
        for attempt in waiting {
            guard let endpoint = attempt.route.endpoint else { continue }
            loop.plan(at: loop.now + delay()) { self.proceed(attempt, to: endpoint) }
        }
    }

    /// What happens to a flush of `count` bytes.
    func choose(for faults: NetworkFaults.Direction, _ count: Int) -> (FlushFate, extra: Duration) {
        let extra = faults.extraDelay(&faultGenerator)
        return (count > 0 ? faults.fate(of: count, &faultGenerator) : .deliver, extra)
    }

    /// Adds to the simulation's trace.
    func record(_ event: String) {
        trace.record(event, at: RuntimeInstant(nanoseconds: Int64(truncatingIfNeeded: loop.now.uptimeNanoseconds)))
    }

    /// What a message takes.
    func delay() -> TimeAmount {
        let span = (latency.upperBound - latency.lowerBound).inNanoseconds
        let extra = span > 0 ? Int64(generator.next() % UInt64(span)) : 0
        return .nanoseconds(latency.lowerBound.inNanoseconds + extra)
    }
}

/// A connection that is to be made.
private final class ConnectAttempt {
    let route: FaultTable.Route
    let loop: SimulatedLoop
    let initializer: SimulatedNetwork.Initializer
    let promise: EventLoopPromise<any Channel>
    let deadline: NIODeadline

    init(
        route: FaultTable.Route, loop: SimulatedLoop, initializer: @escaping SimulatedNetwork.Initializer,
        deadline: NIODeadline
    ) {
        self.route = route
        self.loop = loop
        self.initializer = initializer
        self.deadline = deadline
        promise = loop.makePromise()
    }
}

/// Why a simulated connection was not made, or has ended.
struct SimulatedNetworkError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }

    /// What a dead host's tasks are told when they are made to end.
    static let died = SimulatedNetworkError(message: "this host is dead")
}
