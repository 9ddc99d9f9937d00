import NIOCore
import NIOPosix

/// A TCP client without TLS.
struct PlainClient {
    private let channel: any Channel

    static func connect(port: Int) async throws -> PlainClient {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .connect(host: "127.0.0.1", port: port).get()
        return PlainClient(channel: channel)
    }

    func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    func untilClosed() async {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}
