import NIOCore
import NIOPosix
import Synchronization

/// Passes TCP connections on to a server on loopback, and counts the bytes that come back: a caller is not told whether a
/// response was compressed.
struct CountingRelay {
    private let channel: any Channel
    private let count: Count
    var port: Int { channel.localAddress?.port ?? 0 }

    /// What the server has sent, on all connections.
    var received: Int { count.bytes.withLock { $0 } }

    static func start(to port: Int) async throws -> CountingRelay {
        let count = Count()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { child in
                ClientBootstrap(group: child.eventLoop)
                    .channelInitializer { next in
                        next.eventLoop.makeCompletedFuture {
                            try next.pipeline.syncOperations.addHandler(Passer(to: child, count))
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { next in
                        try child.pipeline.syncOperations.addHandler(Passer(to: next, nil))
                    }
                    .flatMap { child.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CountingRelay(channel: channel, count: count)
    }

    func stop() async { try? await channel.close() }

    private final class Count: Sendable {
        let bytes = Mutex(0)
    }

    private final class Passer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let count: Count?

        init(to other: any Channel, _ count: Count?) {
            self.other = other
            self.count = count
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            // Before anybody can act on them.
            count?.bytes.withLock { $0 += buffer.readableBytes }
            other.writeAndFlush(buffer, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
