import NIOCore
import NIOPosix
import TestSupport

/// A TCP listener that accepts and says nothing.
struct SilentListener {
    private let channel: any Channel
    private let peerClosed: Gate
    var port: Int { channel.localAddress?.port ?? 0 }

    static func start() async throws -> SilentListener {
        let closed = Gate()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { child in
                child.closeFuture.whenComplete { _ in closed.open() }
                return child.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SilentListener(channel: channel, peerClosed: closed)
    }

    func untilPeerCloses() async { await peerClosed.wait() }

    func stop() async { try? await channel.close() }
}
