import NIOCore
import NIOPosix
import Synchronization

/// Passes a TCP connection on to a server, and keeps what the server says.
struct RecordingRelay {
    private let channel: any Channel
    private let heard: Heard
    var port: Int { channel.localAddress?.port ?? 0 }

    static func start(to port: Int) async throws -> RecordingRelay {
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

    /// The cipher suite that the server chose: its hello is in clear (RFC 8446, 4.1.3).
    var cipherSuite: UInt16? {
        var bytes = ByteBuffer(bytes: heard.bytes.withLock { $0 })
        // The record's header and the message's, the version and the random.
        bytes.moveReaderIndex(forwardBy: min(bytes.readableBytes, 5 + 4 + 2 + 32))
        guard let session: UInt8 = bytes.readInteger(), bytes.readSlice(length: Int(session)) != nil else { return nil }
        return bytes.readInteger()
    }

    func stop() async { try? await channel.close() }

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
            heard?.bytes.withLock { $0 += buffer.readableBytesView }
            other.writeAndFlush(buffer, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
