import Identity
import MeshWire
import NIOCore
import Telemetry

/// Keeps one connection to a destination: makes it when it is needed, makes it anew when it is lost, and replaces it
/// before it is given up when our certificate has been renewed.
///
/// Sendable: everything mutable is touched on the client's event loop alone.
final class ConnectionKeeper: @unchecked Sendable {
    let executor: LoopExecutor
    /// Ends the attempts that wait, for a connection or on one.
    let deadlines: DeadlineTimer
    private let core: ClientCore
    private let destination: Destination
    private var current: ClientConnection?
    private var isConnecting = false
    private var isClosed = false
    private var waiting: [(ClientConnection?, MeshError?) -> Void] = []
    /// Connections that are kept open until their calls are answered.
    private var draining: [ClientConnection] = []

    init(_ core: ClientCore, _ destination: Destination, executor: LoopExecutor) {
        self.core = core
        self.destination = destination
        self.executor = executor
        deadlines = DeadlineTimer(executor, core.runtime)
    }

    /// A connection that takes calls, if there is one already that nothing speaks against. On the event loop.
    var ready: ClientConnection? {
        guard let current, current.takesCalls, !isOutdated(current), !isClosed else { return nil }
        return current
    }

    /// Calls `body` with a connection that takes calls, or with the reason why there is none. On the event loop.
    func withConnection(_ body: @escaping (ClientConnection?, MeshError?) -> Void) {
        guard !isClosed else {
            return body(nil, MeshError(.draining, "the client is closed", progress: .notSent, peer: "\(destination)"))
        }
        if let current, current.takesCalls {
            if isOutdated(current), !isConnecting { connect() }
            return body(current, nil)
        }
        guard waiting.count < core.configuration.callsAwaitingConnection else {
            let message = "\(waiting.count) calls already wait for a connection"
            return body(nil, MeshError(.connectFailed, message, progress: .notSent, peer: "\(destination)"))
        }
        waiting.append(body)
        if !isConnecting { connect() }
    }

    /// Ends all connections; open calls fail.
    func close() {
        isClosed = true
        let error = MeshError(.draining, "the client is closed", peer: "\(destination)")
        current?.close(error)
        for connection in draining { connection.close(error) }
        release(nil, error)
        deadlines.stop(error)
    }

    /// True if our certificate or whom we trust has changed since.
    private func isOutdated(_ connection: ClientConnection) -> Bool {
        connection.identityGeneration != core.identityGeneration
    }

    private func connect() {
        guard !destination.identities.isEmpty || core.identity == nil else {
            return release(
                nil,
                MeshError(
                    .noExpectedIdentity, "no identity is expected at \(destination); name the server's",
                    progress: .notSent, peer: "\(destination)"))
        }
        isConnecting = true
        let loop = executor.eventLoop
        let established = loop.makePromise(of: Void.self)
        let connection = ClientConnection(
            instance: core.instance, limits: core.configuration.limits, destination: "\(destination)",
            identityGeneration: core.identityGeneration, executor: executor, established: established,
            onClose: { self.closed($0) })
        let limit = loop.scheduleTask(in: .nanoseconds(core.configuration.connectTimeout.inNanoseconds)) {
            let error = MeshError(
                .connectFailed, "no connection in time", progress: .notSent, peer: "\(self.destination)")
            // First, as closing would give the channel's end as the reason.
            established.fail(error)
            connection.close(error)
        }
        core.runtime.network.connect(
            host: destination.host, port: destination.port, on: loop, timeout: core.configuration.connectTimeout
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                // The time may have run out while the name was resolved.
                guard !connection.isClosing else {
                    throw MeshError(.connectFailed, "no connection in time", progress: .notSent)
                }
                try self.security().install(on: channel)
                try channel.pipeline.syncOperations.addHandler(connection)
            }
        }.whenFailure { established.fail($0) }
        established.futureResult.whenComplete { result in
            limit.cancel()
            self.finishedConnecting(connection, result)
        }
    }

    private func security() -> ChannelSecurity {
        let expectation =
            core.identity == nil ? PeerExpectation.anyTrusted : PeerExpectation(identities: destination.identities)
        return ChannelSecurity(
            role: .client(serverName: Self.serverName(destination.host)), identity: core.identity, trust: core.trust,
            expectation: expectation, applicationProtocols: [core.applicationProtocol], verifier: core.verifier,
            runtime: core.runtime)
    }

    private func finishedConnecting(_ connection: ClientConnection, _ result: Result<Void, any Error>) {
        isConnecting = false
        switch result {
        case .success where isClosed:
            connection.close(MeshError(.draining, "the client is closed", peer: "\(destination)"))
        case .success:
            if let old = current, old !== connection { retire(old) }
            current = connection
            let (table, number) = (core.table, core.table.opened(connection.info, .outbound))
            connection.whenClosed { table.closed(number) }
            scheduleExpiry(of: connection)
            release(connection, nil)
        case .failure(let cause):
            core.metrics.connectFailures.increment()
            if let error = cause as? MeshError {
                // Trust has changed: what was verified before it is not good enough any more.
                if error.code == .peerNotTrusted, let current, isOutdated(current) { retire(current) }
                var error = error
                error.progress = .notSent
                error.peer = error.peer ?? "\(destination)"
                return release(nil, error)
            }
            release(
                nil,
                MeshError(
                    .connectFailed, "cannot connect to \(destination)", progress: .notSent, peer: "\(destination)",
                    cause: cause))
        }
    }

    /// Gives `current` no more calls and closes it when those that it has are answered.
    private func retire(_ connection: ClientConnection) {
        current = nil
        draining.append(connection)
        connection.drain(
            within: core.configuration.drainTimeout,
            MeshError(.connectionLost, "the connection was given up for a newer one", peer: "\(destination)"))
    }

    private func closed(_ connection: ClientConnection) {
        draining.removeAll { $0 === connection }
        if current === connection { current = nil }
    }

    private func release(_ connection: ClientConnection?, _ error: MeshError?) {
        let bodies = waiting
        waiting = []
        for body in bodies { body(connection, error) }
    }

    /// No connection outlives the earlier end of its two certificates, give or take the clocks.
    private func scheduleExpiry(of connection: ClientConnection) {
        guard let notAfter = connection.notAfter else { return }
        connection.expire(
            in: notAfter.since(core.runtime.unixTime) + core.configuration.clockSkew,
            drainTimeout: core.configuration.drainTimeout)
    }

    /// The server's name for SNI, which cannot hold an address.
    private static func serverName(_ host: String) -> String? {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return isAddress ? nil : host
    }
}
