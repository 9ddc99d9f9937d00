import Identity
import Logging
import MeshWire
import NIOCore
import Synchronization
import Telemetry

/// Keeps one connection to a destination: makes it when it is needed, makes it anew when it is lost, and replaces it
/// before it is given up when our certificate has been renewed.
///
/// When whom we trust has changed, the server of an open connection is judged again by what it has shown: calls wait for
/// the verdict, and one that is trusted no more gets none of them. Of one that is denied no answer is taken either: its
/// connections end at once, those that were given up for a newer one as well.
///
/// Sendable: everything mutable is touched on the client's event loop alone, but for one atomic number.
final class ConnectionKeeper: @unchecked Sendable {
    let executor: LoopExecutor
    /// Ends the attempts that wait, for a connection or on one.
    let deadlines: DeadlineTimer
    private let core: ClientCore
    private let server: ServerAddress
    /// Where the server listens besides.
    var alternatives: [Endpoint] = []
    private var current: ClientConnection?
    private var isConnecting = false
    /// The connection whose server is being judged again.
    private var underReview: ClientConnection?
    /// When a connection that serves may next be tried to be replaced, after that has failed.
    private var mayReplace = RuntimeInstant(nanoseconds: .min)
    /// Until when nobody should wait for a new connection who can do without, in nanoseconds: there is none, and the last
    /// attempt to make one has failed.
    private let unreachableUntil = Atomic<Int64>(.min)
    private var isClosed = false
    /// True once the server is its service's no more.
    private var hasLeft = false
    private var waiting = CircularBuffer<(ClientConnection?, MeshError?) -> Void>()
    /// Connections that are kept open until their calls are answered.
    private var draining: [ClientConnection] = []
    /// Is told when there begins to be a connection that takes calls, or ceases to be one, and why none could be made.
    var onChange: ((Change) -> Void)?
    private var wasUp = false

    /// What has become of the connection.
    enum Change {
        case up, down
        case failed(MeshError)
    }

    /// - Parameter deadlines: on the same loop.
    init(_ core: ClientCore, _ server: ServerAddress, executor: LoopExecutor, _ deadlines: DeadlineTimer) {
        self.core = core
        self.server = server
        self.executor = executor
        self.deadlines = deadlines
    }

    /// Whether there is a connection that takes calls, be there room on it or not.
    var isUp: Bool { !isClosed && current?.takesCalls == true }

    /// Makes a connection if there is none and none is being made.
    func connectIfNeeded() {
        guard !isClosed, !isUp, !isConnecting else { return }
        connect()
    }

    /// Tells whether there is a connection that takes calls, if that is news: one ceases to before it ends.
    func changed() {
        let isUp = isUp
        guard isUp != wasUp else { return }
        wasUp = isUp
        onChange?(isUp ? .up : .down)
    }

    /// Whether there was no connection a moment ago, nor could one be made. From any thread.
    func isUnreachable(now: RuntimeInstant) -> Bool {
        now.nanoseconds < unreachableUntil.load(ordering: .relaxed)
    }

    /// A connection that takes calls, if there is one already that nothing speaks against. On the event loop.
    var ready: ClientConnection? {
        // Those that wait for room are before whoever comes now.
        guard let current, current.takesCalls, !isOutdated(current), !isClosed, current.hasRoom, waiting.isEmpty else {
            return nil
        }
        return current
    }

    /// Calls `body` with a connection that takes calls, when it has room for one, or with the reason why there is none. On
    /// the event loop.
    func withConnection(_ body: @escaping (ClientConnection?, MeshError?) -> Void) {
        if hasLeft { return body(nil, left) }
        guard !isClosed else {
            return body(nil, MeshError(.draining, "the client is closed", progress: .notSent, peer: "\(server)"))
        }
        if let current, current.takesCalls, !isOutdated(current) || isTrusted(current) {
            if isOutdated(current) { replace(current) }
            if current.hasRoom, waiting.isEmpty { return body(current, nil) }
        }
        guard waiting.count < core.configuration.callsAwaitingConnection else {
            let message = "\(waiting.count) calls already wait for a connection, or for room on it"
            return body(nil, MeshError(.connectFailed, message, progress: .notSent, peer: "\(server)"))
        }
        waiting.append(body)
        core.metrics.awaitingConnection.add(1)
        proceed()
    }

    /// Ends all connections; open calls fail.
    func close() {
        isClosed = true
        onChange = nil
        let error = MeshError(.draining, "the client is closed", peer: "\(server)")
        current?.close(error)
        for connection in draining { connection.close(error) }
        release(nil, error)
    }

    /// Takes no more calls and closes when those that are open have been answered: the server is not the service's any
    /// more.
    func drain() {
        (isClosed, hasLeft) = (true, true)
        onChange = nil
        if let current { retire(current) }
        release(nil, left)
    }

    /// What a call is told that may go to another server.
    private var left: MeshError {
        MeshError(.noEndpoint, "\(server) has left its service", progress: .notSent, peer: "\(server)")
    }

    /// Makes a connection with our new certificate in place of one that is still good; where only whom we trust has
    /// changed, what was shown is what would be shown again.
    private func replace(_ connection: ClientConnection) {
        if connection.ownIdentity == core.identity?.current.svid {
            connection.identityGeneration = core.identityGeneration
        } else if !isConnecting, core.runtime.now >= mayReplace {
            connect()
        }
    }

    /// True if our certificate or whom we trust has changed since.
    private func isOutdated(_ connection: ClientConnection) -> Bool {
        // In plain text nothing was shown.
        server.security == .mutualTLS && connection.identityGeneration != core.identityGeneration
    }

    /// True if the server has been judged by the bundle and the deny list in force.
    private func isTrusted(_ connection: ClientConnection) -> Bool {
        server.security == .plaintext || connection.trustedBy == TrustBasis(core.identity?.current)
    }

    /// Judges the connection's server by the bundle in force if it has not been; the calls that wait get the connection
    /// when it is still trusted, and a new one when it is not.
    private func review(_ connection: ClientConnection) {
        guard connection === current || !draining.contains(where: { $0 === connection }) else {
            return reviewDraining(connection)
        }
        guard connection === current, underReview == nil, !isTrusted(connection), let handshake = connection.handshake
        else { return }
        underReview = connection
        let (security, snapshot) = (security(), core.identity?.current)
        // Ends with the verdict.
        core.runtime.spawn(on: executor) {
            do throws(MeshError) {
                _ = try await security.verify(handshake.chain, against: snapshot)
                connection.trustedBy = TrustBasis(snapshot)
            } catch {
                self.core.logger.warning(
                    "server is no longer trusted",
                    metadata: ["peer": "\(connection.peerName)", "server": "\(self.server)", "error": "\(error)"])
                if error.isDenial || handshake.isDenied(by: snapshot) {
                    if self.current === connection { self.current = nil }
                    self.endDenied(connection, error)
                } else if self.current === connection {
                    self.retire(connection)
                }
            }
            self.reviewed()
        }
    }

    /// Judges the server of a connection that gets no more calls again: whether it may answer those that it has.
    private func reviewDraining(_ connection: ClientConnection) {
        guard !isTrusted(connection), let handshake = connection.handshake else { return }
        let (security, snapshot) = (security(), core.identity?.current)
        // Ends with the verdict.
        core.runtime.spawn(on: executor) {
            do throws(MeshError) {
                _ = try await security.verify(handshake.chain, against: snapshot)
                connection.trustedBy = TrustBasis(snapshot)
            } catch {
                if error.isDenial || handshake.isDenied(by: snapshot) { self.endDenied(connection, error) }
            }
        }
    }

    private func endDenied(_ connection: ClientConnection, _ cause: MeshError) {
        connection.close(
            MeshError(
                .connectionLost, "the server is denied, and its connection was ended", peer: connection.peerName,
                cause: cause))
    }

    private func reviewed() {
        underReview = nil
        changed()
        proceed()
    }

    /// Does for those that wait what is next: gives them the connection, judges its server, or makes a new one.
    private func proceed() {
        guard !isClosed, underReview == nil else { return }
        guard let current, current.takesCalls else {
            if !waiting.isEmpty, !isConnecting { connect() }
            return
        }
        // Trust may have changed again meanwhile.
        if isOutdated(current), !isTrusted(current) { return review(current) }
        release(current, nil)
    }

    private func connect() {
        changed()
        guard server.security == .plaintext || !server.identities.isEmpty || core.identity == nil else {
            return couldNotConnect(
                MeshError(
                    .noExpectedIdentity, "no identity is expected at \(server); name the server's",
                    progress: .notSent, peer: "\(server)"))
        }
        isConnecting = true
        let loop = executor.eventLoop
        let established = loop.makePromise(of: Void.self)
        let connection = ClientConnection(
            core, server, executor: executor, established: established,
            onClose: { self.closed($0) })
        let limit = loop.scheduleTask(in: .nanoseconds(core.configuration.connectTimeout.inNanoseconds)) {
            let error = MeshError(
                .connectFailed, "no connection in time", progress: .notSent, peer: "\(self.server)")
            // First, as closing would give the channel's end as the reason.
            established.fail(error)
            connection.close(error)
        }
        core.runtime.network.connect(
            toFirstOf: [server.endpoint] + alternatives, on: loop, timeout: core.configuration.connectTimeout
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                // The time may have run out while the name was resolved.
                guard !connection.isClosing else {
                    throw MeshError(.connectFailed, "no connection in time", progress: .notSent)
                }
                try channel.pipeline.syncOperations.addHandler(self.meter(channel.eventLoop))
                try self.security().install(on: channel)
                try channel.pipeline.syncOperations.addHandler(connection)
            }
        }.whenFailure { established.fail($0) }
        established.futureResult.whenComplete { result in
            limit.cancel()
            self.finishedConnecting(connection, result)
        }
    }

    private func meter(_ loop: any EventLoop) -> ConnectionMeter {
        let metrics = core.metrics
        return ConnectionMeter(
            metrics.connections.series(.outbound, server.security), metrics.shards.shard(of: loop), core.runtime)
    }

    private func security() -> ChannelSecurity {
        let expectation =
            core.identity == nil && server.identities.isEmpty
            ? PeerExpectation.anyTrusted : PeerExpectation(identities: server.identities)
        return ChannelSecurity(
            role: .client(serverName: server.serverName), identity: core.identity,
            trust: core.trust, expectation: expectation,
            applicationProtocols: server.applicationProtocol.map { [$0] } ?? core.applicationProtocols,
            verifier: core.verifier, runtime: core.runtime, credentials: core.credentials,
            transport: server.security)
    }

    private func finishedConnecting(_ connection: ClientConnection, _ result: Result<Void, any Error>) {
        isConnecting = false
        switch result {
        case .success where isClosed:
            connection.close(MeshError(.draining, "the client is closed", peer: "\(server)"))
        case .success:
            if let old = current, old !== connection { retire(old) }
            current = connection
            unreachableUntil.store(.min, ordering: .relaxed)
            let (table, number) = (core.table, core.table.opened(connection.info, .outbound))
            let connections = core.connections
            let place = connections.opened { self.executor.eventLoop.execute { self.review(connection) } }
            connection.whenClosed {
                table.closed(number)
                connections.closed(place)
            }
            scheduleExpiry(of: connection)
            // A change of trust between the beginning of the handshake and now has not been heard of here.
            guard isTrusted(connection) else { return review(connection) }
            changed()
            release(connection, nil)
        case .failure(let cause):
            core.metrics.connectFailures.increment()
            mayReplace = core.runtime.now.advanced(by: core.inForce.current.configuration.retry.backoffLimit)
            if current?.takesCalls != true { unreachableUntil.store(mayReplace.nanoseconds, ordering: .relaxed) }
            var error =
                cause as? MeshError ?? MeshError(.connectFailed, "cannot connect to \(server)", cause: cause)
            error.progress = .notSent
            error.peer = error.peer ?? "\(server)"
            couldNotConnect(error)
        }
    }

    private func couldNotConnect(_ error: MeshError) {
        if !isUp { onChange?(.failed(error)) }
        release(nil, error)
    }

    /// Gives `current` no more calls and closes it when those that it has are answered.
    private func retire(_ connection: ClientConnection) {
        current = nil
        draining.append(connection)
        connection.drain(
            within: core.configuration.drainTimeout,
            MeshError(.connectionLost, "the connection was given up for a newer one", peer: "\(server)"))
    }

    private func closed(_ connection: ClientConnection) {
        draining.removeAll { $0 === connection }
        if current === connection { current = nil }
        changed()
    }

    /// Gives those that wait a connection, as far as it has room, or an error.
    private func release(_ connection: ClientConnection?, _ error: MeshError?) {
        // Who comes while they are called waits behind them.
        var count = waiting.count
        while count > 0, connection?.hasRoom != false, let body = waiting.popFirst() {
            count -= 1
            core.metrics.awaitingConnection.add(-1)
            body(connection, error)
        }
        guard let connection, !waiting.isEmpty else { return }
        connection.whenRoom { [weak self] in self?.proceed() }
    }

    /// No connection outlives the earlier end of its two certificates, give or take the clocks.
    private func scheduleExpiry(of connection: ClientConnection) {
        guard let notAfter = connection.handshake?.notAfter else { return }
        connection.expire(
            in: notAfter.since(core.runtime.unixTime) + core.configuration.clockSkew,
            drainTimeout: core.configuration.drainTimeout)
    }
}
