import NIOCore
import NIOPosix
import Synchronization

/// A TCP client without TLS.
struct PlainClient {
    private let channel: any Channel
    private let received: Received

    static func connect(port: Int) async throws -> PlainClient {
        let received = Received()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return PlainClient(channel: channel, received: received)
    }

    func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Everything that was received until the server closed the connection.
    @discardableResult func untilClosed() async -> [UInt8] {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        return received.bytes.withLock { $0 }
    }

    private final class Received: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let received: Received

        init(_ received: Received) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            received.bytes.withLock { $0 += buffer.readableBytesView }
        }
    }
}
