package import Identity
package import Logging
package import MeshWire
import NIOCore
import Synchronization
package import Telemetry

/// The one listener that takes callers without a certificate: those who come to get one.
///
/// It has an address and methods of its own, so that nothing else can be reached without an identity, and small
/// limits, because anybody can speak to it.
package final class JoinEndpoint: Sendable {
    private let server: ServerCore
    private let listener: ListenerCore
    private let listening = Mutex<[any Channel]>([])

    /// - Parameter identity: the server's own; its chain ends with the root, by whose fingerprint callers know it.
    package init(
        identity: any IdentitySource, runtime: any Runtime, metrics: MetricsRegistry, logger: Logger
    ) throws(MeshError) {
        var configuration = MeshConfiguration()
        configuration.limits.messageHeadBytes = 64 << 10
        configuration.limits.messageBytes = 64 << 10
        configuration.limits.largeMessageBytes = 64 << 10
        configuration.limits.framePayloadBytes = 256 << 10
        configuration.limits.concurrentCalls = 4
        configuration.connectionsPerListener = 256
        server = ServerCore(
            instance: ServerInstance(
                id: InstanceID(high: runtime.randomBits(), low: runtime.randomBits()), store: nil),
            configuration: configuration, try ConfigurationInForce(DynamicConfiguration(configuration)),
            servesAnybody: true, runtime: runtime, identity: identity, registry: MethodRegistry(),
            table: ConnectionTable(), metrics: ServerMetrics(metrics, LoopShards(metrics, runtime)), logger: logger)
        listener = ListenerCore(
            server: server, identity: identity, verifier: try PeerVerifier(clockSkew: configuration.clockSkew),
            trust: .nothing, meshProtocol: ApplicationProtocol.join, wires: [], httpAcceptor: nil)
    }

    /// Answers calls of `method`, from anybody.
    package func serve<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) {
        server.registry.register(
            ServedMethod(
                method, .task(on: .task) { request, call in Reply(payload: Payload(try await handler(request, call))) })
        )
    }

    /// Listens on `endpoint`; a port of 0 picks a free one.
    package func listen(on endpoint: Endpoint) async throws(MeshError) -> Endpoint {
        let opened = try await listener.listen(on: endpoint)
        listening.withLock { $0.append(opened.channel) }
        return opened.endpoint
    }

    /// Stops listening and ends the connections.
    package func stop() async {
        let opened = listening.withLock { listening in
            defer { listening = [] }
            return listening
        }
        for channel in opened { try? await channel.close() }
        await server.connections.drain()
    }

    /// A client for a process that has no identity yet and knows its mesh by the root's fingerprint alone.
    ///
    /// - Parameters:
    ///   - server: who must answer; `nil` for anybody whom the root vouches for.
    ///   - timeout: how long the join may take, and so the connection: an authority that a whole job joins at once only
    ///     gets slower when handshakes that it is busy with are given up and begun again.
    package static func client(
        at endpoint: Endpoint, root: SHA256Fingerprint, server: IdentityPattern?, timeout: Duration,
        runtime: any Runtime, logger: Logger
    ) throws(MeshError) -> MeshClient {
        var configuration = MeshConfiguration()
        configuration.connectTimeout = timeout
        let metrics = MetricsRegistry()
        let core = ClientCore(
            instance: InstanceID(high: runtime.randomBits(), low: runtime.randomBits()),
            configuration: configuration, try ConfigurationInForce(DynamicConfiguration(configuration)),
            runtime: runtime, identity: nil, trust: .pinnedRoot(root),
            applicationProtocol: ApplicationProtocol.join,
            verifier: try PeerVerifier(clockSkew: configuration.clockSkew), table: ConnectionTable(),
            metrics: ClientMetrics(metrics, LoopShards(metrics, runtime)), logger: logger)
        let destination = Destination(endpoint, identities: server.map { [$0] } ?? [])
        return MeshClient(core, destination, on: runtime.eventLoopGroup.next())
    }
}
