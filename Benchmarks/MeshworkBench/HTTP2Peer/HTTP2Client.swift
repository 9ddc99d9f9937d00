import Identity
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL

/// Makes calls on streams of one connection.
struct HTTP2Client: EchoClient, TransferClient {
    private let channel: any Channel
    private let handler: HTTP2ClientHandler

    /// Without an identity it calls in plain text.
    init(port: Int, as identity: IdentitySnapshot?, joinsRecords: Bool) async throws {
        handler = HTTP2ClientHandler(scheme: identity == nil ? "http" : "https")
        channel = try await BarePeer.connect(
            port: port, with: try identity.map { try BarePeer.context($0, isServer: false) }
        ) { [handler] in try HTTP2Peer.install(handler, .client, joinsRecords, in: $0) }
    }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await run(HTTP2Peer.echoPath, ByteBuffer(repeating: 1, count: 64), calls, depth)
    }

    func send(_ bytes: Int, count: Int, depth: Int) async throws {
        _ = try await run(HTTP2Peer.sinkPath, ByteBuffer(repeating: 1, count: bytes), count, depth)
    }

    private func run(_ path: String, _ message: ByteBuffer, _ count: Int, _ depth: Int) async throws -> [Double] {
        let done = channel.eventLoop.makePromise(of: [Double].self)
        channel.eventLoop.execute { [handler] in
            handler.begin(BareCalls(count, done), path: path, message, depth: depth)
        }
        return try await done.futureResult.get()
    }
}

/// Sends a call for each that is answered.
///
/// Sendable: touched on its event loop alone, which hands the results out.
final class HTTP2ClientHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let scheme: String
    private var context: ChannelHandlerContext?
    private var credit = HTTP2Credit()
    private var calls: BareCalls?
    private var head = HPACKHeaders()
    private var message = ByteBuffer()
    private var next = HTTP2StreamID(1)

    init(scheme: String) { self.scheme = scheme }

    func begin(_ calls: BareCalls, path: String, _ message: ByteBuffer, depth: Int) {
        guard context != nil else { return calls.lostConnection() }
        self.calls = calls
        self.message = message
        head = HPACKHeaders([
            (":method", "POST"), (":scheme", scheme), (":path", path), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", "application/grpc"),
        ])
        for _ in 0..<depth { send() }
        context?.flush()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        HTTP2Credit.begin(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .headers(let content) where content.endStream:
            calls?.answered()
            send()
        case .data(let content):
            credit.received(content.data.readableBytes, context)
        case .goAway(_, let code, _):
            calls?.fail(BenchmarkFailure("the HTTP/2 server goes away: \(code)"))
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelInactive(context: ChannelHandlerContext) {
        calls?.lostConnection()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        calls?.fail(error)
        context.close(promise: nil)
    }

    private func send() {
        guard let context, calls?.send() == true else { return }
        context.write(.headers(.init(headers: head)), on: next)
        context.write(.data(.init(data: .byteBuffer(message), endStream: true)), on: next)
        next = next.advanced(by: 2)
    }
}
