import NIOCore
import NIOPosix
import Synchronization

/// Passes TCP connections on to a server on loopback, and keeps what the server says on all of them.
package struct RecordingRelay {
    private let channel: any Channel
    private let heard: Heard
    package var port: Int { channel.localAddress?.port ?? 0 }

    package static func start(to port: Int) async throws -> RecordingRelay {
        let heard = Heard()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { child in
                ClientBootstrap(group: child.eventLoop)
                    .channelInitializer { next in
                        next.eventLoop.makeCompletedFuture {
                            try next.pipeline.syncOperations.addHandler(Passer(to: child, heard))
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { next in
                        try child.pipeline.syncOperations.addHandler(Passer(to: next, nil))
                    }
                    .flatMap { child.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RecordingRelay(channel: channel, heard: heard)
    }

    /// What the server has said so far.
    package var bytes: [UInt8] { heard.bytes.withLock { $0 } }

    package func stop() async { try? await channel.close() }

    private final class Heard: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    private final class Passer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let heard: Heard?

        init(to other: any Channel, _ heard: Heard?) {
            self.other = other
            self.heard = heard
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            // Before anybody can act on them.
            heard?.bytes.withLock { $0 += buffer.readableBytesView }
            other.writeAndFlush(buffer, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
