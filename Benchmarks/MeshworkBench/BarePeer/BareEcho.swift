import Identity
import NIOCore
import NIOSSL

/// 64 bytes there and back, counted and not looked at, one `writeAndFlush` a message: the least that a round trip takes.
struct BareEchoClient: EchoClient {
    private let channel: any Channel
    private let handler = BareEchoClientHandler()

    init(port: Int, as identity: IdentitySnapshot) async throws {
        channel = try await BarePeer.connect(
            port: port, with: try BarePeer.context(identity, isServer: false)
        ) { [handler] in try $0.addHandler(handler) }
    }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await handler.run(calls, depth: depth, on: channel)
    }
}

/// Answers every 64 bytes with as many.
final class BareEchoServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    static let messageBytes = 64
    private let reply = ByteBuffer(repeating: 7, count: messageBytes)
    private var received = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        while received >= Self.messageBytes {
            received -= Self.messageBytes
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        }
    }
}

/// Sends 64 bytes for each 64 that come back.
///
/// Sendable: touched on its event loop alone, which hands the results out.
final class BareEchoClientHandler: ChannelInboundHandler, BareCaller, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let message = ByteBuffer(repeating: 1, count: BareEchoServerHandler.messageBytes)
    private var context: ChannelHandlerContext?
    private var calls: BareCalls?
    private var received = 0

    func begin(_ calls: BareCalls, depth: Int) {
        self.calls = calls
        for _ in 0..<depth { send() }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        while received >= BareEchoServerHandler.messageBytes {
            received -= BareEchoServerHandler.messageBytes
            calls?.answered()
            send()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        calls?.fail(error)
        context.close(promise: nil)
    }

    private func send() {
        guard calls?.send() == true else { return }
        context?.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }
}
