import MeshWire
import NIOCore
import NIOPosix

/// TCP over IPv4 and IPv6.
struct SystemNetwork: RuntimeNetwork {
    /// Accepted connections are spread over its loops.
    let group: any EventLoopGroup

    var security: ChannelSecurityStyle { .tls }

    func connect(
        host: String, port: Int, on loop: any EventLoop, timeout: Duration,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(timeout.inNanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.waterMark)
            .connect(host: host, port: port)
            .flatMap { channel in
                // A name with several addresses is tried on several channels: only the one that connected is set up.
                initializer(channel).map { channel }.flatMapErrorThrowing { error in
                    channel.close(promise: nil)
                    throw error
                }
            }
    }

    func listen(
        host: String, port: Int, initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
            .childChannelInitializer(initializer)
            .bind(host: host, port: port)
    }

    /// A connection is written to until the socket refuses 1 MiB, and again when it has taken three quarters of it:
    /// enough that the socket does not run dry between two turns of the loop.
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)
}
