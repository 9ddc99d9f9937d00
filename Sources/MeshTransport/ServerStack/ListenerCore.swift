import Identity
import Logging
import MeshWire
import NIOCore
import Synchronization
import Telemetry

/// What a listening address needs to know to accept connections.
final class ListenerCore: Sendable {
    let server: ServerCore
    let meshProtocol: String
    /// What is spoken besides the mesh's own protocol and HTTP/1.1.
    let wires: [any WireProtocol]
    let httpAcceptor: (any HTTPAcceptor)?
    private let security: ChannelSecurity
    private let places: Mutex<ConnectionPlaces>

    /// - Parameters:
    ///   - trust: whether callers must prove an identity.
    ///   - transport: whether there is TLS at all.
    init(
        server: ServerCore, identity: any IdentitySource, verifier: PeerVerifier, trust: ChannelSecurity.Trust,
        meshProtocol: String, wires: [any WireProtocol], httpAcceptor: (any HTTPAcceptor)?,
        transport: TransportSecurity = .mutualTLS
    ) {
        self.wires = wires
        self.server = server
        self.meshProtocol = meshProtocol
        self.httpAcceptor = httpAcceptor
        security = ChannelSecurity(
            role: .server, identity: identity, trust: trust, expectation: .anyTrusted,
            applicationProtocols: [meshProtocol] + wires.map(\.applicationProtocol)
                + (httpAcceptor == nil ? [] : [ApplicationProtocol.http]),
            verifier: verifier, runtime: server.runtime, transport: transport)
        places = Mutex(ConnectionPlaces(limit: server.configuration.connectionsPerListener))
    }

    /// Counts how a handshake ended, where there is one.
    func handshakeEnded(_ result: HandshakeResult, since start: RuntimeInstant, on loop: any EventLoop) {
        guard security.transport == .mutualTLS else { return }
        let metrics = server.metrics
        metrics.connections.handshakeEnded(
            .inbound, result, since: start, to: server.runtime.now, on: metrics.shards.shard(of: loop).here)
    }

    /// Opens the listening socket; the channel is closed to stop.
    ///
    /// - Returns: the channel, and where it listens: the port is known also when a free one was picked.
    func listen(on endpoint: Endpoint) async throws(MeshError) -> (channel: any Channel, endpoint: Endpoint) {
        let channel: any Channel
        do {
            channel = try await server.runtime.network.listen(on: endpoint) { self.setUp($0, endpoint) }.get()
        } catch {
            let isTCP = if case .tcp = endpoint { true } else { false }
            throw MeshError(
                .listenFailed, "cannot listen on \(endpoint)" + (isTCP ? "; is the port in use?" : ""),
                peer: "\(endpoint)", cause: error)
        }
        guard case .tcp(let host, let port) = endpoint else { return (channel, endpoint) }
        return (channel, .tcp(host: host, port: channel.localAddress?.port ?? port))
    }

    /// Sets an established channel up for the mesh's own protocol, behind `handler`.
    func acceptMesh(_ channel: any Channel, _ info: ConnectionInfo, after handler: any ChannelHandler) throws
        -> any InboundConnection
    {
        let connection = MeshServerWire(
            calls(on: channel, info, over: meshProtocol), instance: server.instance,
            limits: server.configuration.limits,
            keepAlive: server.configuration.keepAlive, helloTimeout: server.configuration.handshakeTimeout)
        try channel.pipeline.syncOperations.addHandler(connection, position: .after(handler))
        return connection
    }

    /// Sets an established channel up for another wire, behind `handler`.
    func accept(
        _ wire: any WireProtocol, _ channel: any Channel, _ info: ConnectionInfo, after handler: any ChannelHandler
    )
        throws -> any InboundConnection
    {
        try wire.accept(channel, calls(on: channel, info, over: wire.applicationProtocol), after: handler)
    }

    private func calls(on channel: any Channel, _ info: ConnectionInfo, over name: String) -> ServerCalls {
        ServerCalls(
            server, info, over: name, http: httpAcceptor as? any HTTPExchangeAcceptor,
            executor: server.runtime.loopExecutor(for: channel.eventLoop))
    }

    /// Hands an established channel to the HTTP front end.
    func acceptHTTP(_ channel: any Channel, _ info: ConnectionInfo) throws -> any InboundConnection {
        let connection = HTTPConnection(channel)
        let shard = server.metrics.shards.shard(of: channel.eventLoop)
        try httpAcceptor?.accept(
            channel, info, gate: HTTPGate(core: server, info: info, connection: connection, shard: shard))
        return connection
    }

    /// Counts a connection in, by what its handshake has established.
    func opened(
        _ connection: any InboundConnection, _ info: ConnectionInfo, on channel: any Channel, _ handshake: SecureChannel
    ) {
        server.connections.opened(
            InboundConnections.Entry(
                connection: connection, info: info, channel: channel, handshake: handshake, security: security))
    }

    private func setUp(_ channel: any Channel, _ endpoint: Endpoint) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let address =
                switch endpoint {
                case .tcp: channel.remoteAddress.map { "\($0)" } ?? "unknown"
                // Who connects to a Unix domain socket has no address of its own.
                case .unix: "\(endpoint)"
                }
            try admit(channel, from: address)
            let meter = ConnectionMeter(
                server.metrics.connections.series(.inbound, security.transport),
                server.metrics.shards.shard(of: channel.eventLoop), server.runtime)
            try channel.pipeline.syncOperations.addHandler(meter)
            try security.install(on: channel)
            try channel.pipeline.syncOperations.addHandler(
                ProtocolSelectionHandler(self, remoteAddress: address))
        }
    }

    /// Gives a channel a place for as long as it is open; throws, which closes it, when there is none.
    private func admit(_ channel: any Channel, from address: String) throws(MeshError) {
        switch places.withLock({ $0.enter(now: server.runtime.now) }) {
        case .admitted:
            channel.closeFuture.whenComplete { _ in self.places.withLock { $0.leave() } }
        case .refused(let isReported):
            server.metrics.refusedConnections.increment()
            let limit = server.configuration.connectionsPerListener
            if isReported {
                server.logger.warning(
                    "connections refused, the listener has as many as it may have",
                    metadata: ["address": "\(address)", "limit": "\(limit)"])
            }
            throw MeshError(.connectFailed, "the listener has \(limit) connections already", peer: address)
        }
    }
}
