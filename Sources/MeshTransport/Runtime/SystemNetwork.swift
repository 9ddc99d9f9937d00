import MeshWire
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// TCP and UDP over IPv4 and IPv6, and Unix domain sockets.
struct SystemNetwork: RuntimeNetwork {
    /// Accepted connections are spread over its loops.
    let group: any EventLoopGroup

    var security: ChannelSecurityStyle { .tls }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(timeout.inNanoseconds))
            .channelOption(.writeBufferWaterMark, value: Self.waterMark)
        let connected =
            switch endpoint {
            case .tcp(let host, let port):
                bootstrap
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelOption(.socketOption(.so_keepalive), value: 1)
                    .channelInitializer(Self.watch)
                    .connect(host: host, port: port)
            case .unix(let path):
                bootstrap.connect(unixDomainSocketPath: path)
            }
        return connected.flatMap { channel in
            // A name with several addresses is tried on several channels: only the one that connected is set up.
            initializer(channel).map { channel }.flatMapErrorThrowing { error in
                channel.close(promise: nil)
                throw error
            }
        }
    }

    func listen(
        on endpoint: Endpoint, initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        switch endpoint {
        case .tcp(let host, let port):
            bootstrap()
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelInitializer { channel in Self.watch(channel).flatMap { initializer(channel) } }
                .bind(host: host, port: port)
        case .unix(let path):
            UnixSocketFile.open(path, on: group.next()) {
                bootstrap().childChannelInitializer(initializer).withBoundSocket($0)
            }
        }
    }

    func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        guard case .tcp(let host, let port) = endpoint, let address = Self.address(host, port: port) else {
            return loop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        // A connected socket: the system passes on what comes from its peer alone, and tells when nobody listens there.
        return DatagramBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramContents())
                }.flatMap { initializer(channel) }
            }
            .connect(to: address)
    }

    /// The socket's address of an IP address as text; `nil` where it is none, or names a link that this machine has not.
    static func address(_ host: String, port: Int) -> SocketAddress? {
        if let address = try? SocketAddress(ipAddress: host, port: port) { return address }
        // The system knows the links; with an address before the link there is no name that it would look up.
        return ScopedAddress.isOne(host) ? try? SocketAddress.makeAddressResolvingHost(host, port: port) : nil
    }

    /// What listeners on every kind of socket have in common.
    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
    }

    /// Seconds after which a peer that acknowledges nothing is taken for gone: bytes that were sent, or probes where
    /// nothing was. Without it a host that vanished would keep its connections, and the calls on them, for a quarter of
    /// an hour.
    static let silence = 20

    /// Has the system look after a connection; elsewhere than on Linux with its own times.
    private static func watch(_ channel: any Channel) -> EventLoopFuture<Void> {
        #if os(Linux)
            let probes = silence / 4
            let options: [(name: CInt, value: Int)] = [
                (TCP_USER_TIMEOUT, silence * 1_000), (TCP_KEEPIDLE, probes), (TCP_KEEPINTVL, probes), (TCP_KEEPCNT, 3),
            ]
            return channel.eventLoop.makeCompletedFuture {
                let synchronous = channel.syncOptions
                for option in options {
                    try synchronous?.setOption(
                        .tcpOption(NIOBSDSocket.Option(rawValue: option.name)), value: option.value)
                }
            }
        #else
            return channel.eventLoop.makeSucceededVoidFuture()
        #endif
    }

    /// A connection is written to until the socket refuses 1 MiB, and again when it has taken three quarters of it:
    /// enough that the socket does not run dry between two turns of the loop.
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)
}

/// Takes datagrams out of their envelopes: all are of one peer.
private final class DatagramContents: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(unwrapInboundIn(data).data))
    }
}
