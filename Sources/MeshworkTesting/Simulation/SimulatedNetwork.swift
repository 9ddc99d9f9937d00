import MeshWire
import NIOCore
import NIOEmbedded

/// Connections in memory, between channels of one simulated event loop.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedNetwork: RuntimeNetwork, @unchecked Sendable {
    typealias Initializer = @Sendable (any Channel) -> EventLoopFuture<Void>

    private struct Listener {
        let channel: EmbeddedChannel
        let initializer: Initializer
        var accepted: [EmbeddedChannel] = []
    }

    private let loop: EmbeddedEventLoop
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
    /// Those that a partition leaves without an answer.
    private var unanswered: [ConnectAttempt] = []

    init(loop: EmbeddedEventLoop, latency: ClosedRange<Duration>, seed: UInt64, trace: EventTrace) throws {
        anywhere = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        self.loop = loop
        self.latency = latency
        self.trace = trace
        generator = SplitMix64(seed: seed ^ 0x5EED_0F4E_7770_4B21)
        faultGenerator = SplitMix64(seed: seed ^ 0x6661_756C_7473_2121)
    }

    var security: ChannelSecurityStyle { .simulated }

    func listen(on endpoint: Endpoint, initializer: @escaping Initializer) -> EventLoopFuture<any Channel> {
        let channel = EmbeddedChannel(loop: loop)
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
        connect(from: nil, to: endpoint, timeout: timeout, initializer: initializer)
    }

    /// Connects to `endpoint` in the name of `client`.
    func connect(
        from client: String?, to endpoint: Endpoint, timeout: Duration, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        let attempt = ConnectAttempt(
            route: FaultTable.Route(client: client, endpoint: endpoint), initializer: initializer,
            promise: loop.makePromise(), deadline: loop.now + .nanoseconds(timeout.inNanoseconds))
        loop.assumeIsolated().scheduleTask(in: delay()) { self.proceed(attempt, to: endpoint) }
        return attempt.promise.futureResult
    }

    private func proceed(_ attempt: ConnectAttempt, to endpoint: Endpoint) {
        guard !faults.isPartitioned(attempt.route) else { return leaveUnanswered(attempt, to: endpoint) }
        guard let listener = listeners[endpoint] else {
            return attempt.promise.fail(SimulatedNetworkError(message: "nobody listens on \(endpoint)"))
        }
        let connection = link(attempt.route, to: endpoint)
        let (client, server) = (connection.client, connection.server)
        listeners[endpoint]?.accepted.append(server)
        attempt.initializer(client).and(listener.initializer(server)).assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                server.connect(to: self.anywhere, promise: nil)
                client.connect(to: self.anywhere, promise: nil)
                attempt.promise.succeed(client)
            case .failure(let error):
                // As a socket would be: neither end keeps handlers for a connection that never was.
                server.close(promise: nil)
                client.close(promise: nil)
                attempt.promise.fail(error)
            }
        }
    }

    func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        openDatagrams(from: nil, to: endpoint, initializer: initializer)
    }

    /// Opens a socket in the name of `client`.
    func openDatagrams(
        from client: String?, to endpoint: Endpoint, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        let channel = EmbeddedChannel(loop: loop)
        let route = FaultTable.Route(client: client, endpoint: endpoint)
        let wire = SimulatedDatagrams(route, on: channel, loop: loop, self)
        return loop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(wire) }
            .flatMap { initializer(channel) }
            .flatMap { channel.connect(to: self.anywhere) }
            .map { channel }
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
        loop.assumeIsolated().scheduleTask(deadline: attempt.deadline) {
            guard let index = self.unanswered.firstIndex(where: { $0 === attempt }) else { return }
            self.unanswered.remove(at: index)
            attempt.promise.fail(SimulatedNetworkError(message: "\(endpoint) does not answer"))
        }
    }

    func kill(_ endpoint: Endpoint) {
        guard let listener = listeners.removeValue(forKey: endpoint) else { return }
        listener.channel.close(promise: nil)
        for channel in listener.accepted { channel.close(promise: nil) }
    }

    /// What both ends of every connection see of each other.
    private let anywhere: SocketAddress

    private func link(_ route: FaultTable.Route, to endpoint: Endpoint) -> SimulatedConnection {
        lastConnection += 1
        let number = lastConnection
        let connection = SimulatedConnection(
            route, name: "connection \(number) from \(route.client ?? "a client") to \(endpoint)", address: anywhere,
            loop: loop, self)
        connection.apply(faults.faults(of: route), isPartitioned: faults.isPartitioned(route))
        connections[number] = connection
        connection.client.closeFuture.and(connection.server.closeFuture).whenComplete { _ in
            self.connections[number] = nil
        }
        return connection
    }

    // MARK: Faults

    /// Changes who is affected by what; open connections, and those that wait for an answer, go on with it.
    func change(_ body: (inout FaultTable) -> Void) {
        body(&faults)
        for (_, connection) in connections.sorted(by: { $0.key < $1.key }) {
            connection.apply(
                faults.faults(of: connection.route), isPartitioned: faults.isPartitioned(connection.route))
        }
        let waiting = unanswered
        unanswered = []
        for attempt in waiting {
            guard let endpoint = attempt.route.endpoint else { continue }
            loop.assumeIsolated().scheduleTask(in: delay()) { self.proceed(attempt, to: endpoint) }
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
    let initializer: SimulatedNetwork.Initializer
    let promise: EventLoopPromise<any Channel>
    let deadline: NIODeadline

    init(
        route: FaultTable.Route, initializer: @escaping SimulatedNetwork.Initializer,
        promise: EventLoopPromise<any Channel>, deadline: NIODeadline
    ) {
        self.route = route
        self.initializer = initializer
        self.promise = promise
        self.deadline = deadline
    }
}

/// Why a simulated connection was not made, or has ended.
struct SimulatedNetworkError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
