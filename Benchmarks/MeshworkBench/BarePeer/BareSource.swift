import Identity
import NIOCore
import NIOSSL

/// Asks for payloads: sends how long one shall be, and gets that many bytes.
struct BareSourceClient: Sendable {
    private let channel: any Channel
    private let handler = BareSourceClientHandler()

    init(port: Int, as identity: IdentitySnapshot) async throws {
        channel = try await BarePeer.connect(
            port: port, with: try BarePeer.context(identity, isServer: false)
        ) { [handler] in try $0.addHandler(handler) }
    }

    /// Gets `count` payloads of `bytes`, `depth` asked for at a time.
    func fetch(_ bytes: Int, count: Int, depth: Int) async throws {
        let done = channel.eventLoop.makePromise(of: [Double].self)
        channel.eventLoop.execute { [handler] in handler.begin(BareCalls(count, done), bytes, depth: depth) }
        _ = try await done.futureResult.get()
    }
}

/// Sends the payloads that it is asked for, in pieces of 256 KiB for as long as the channel is writable, as the client
/// of ``BareSinkClient`` does.
final class BareSourceServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let pieceBytes = 256 << 10

    private let piece = ByteBuffer(repeating: 1, count: pieceBytes)
    private var question = ByteBuffer()
    /// What has been asked for and not been written.
    private var unwritten = 0
    private var isWriting = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        question.writeBuffer(&bytes)
        while let length = question.readInteger(as: UInt64.self) { unwritten += Int(length) }
        question.discardReadBytes()
        write(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { write(context) }

    private func write(_ context: ChannelHandlerContext) {
        // A flush may make the channel writable, which calls back.
        guard !isWriting else { return }
        isWriting = true
        defer { isWriting = false }
        while unwritten > 0, context.channel.isWritable {
            let count = min(Self.pieceBytes, unwritten)
            unwritten -= count
            guard let some = piece.getSlice(at: 0, length: count) else { return }
            context.writeAndFlush(wrapOutboundOut(some), promise: nil)
        }
    }
}

/// Counts what comes.
///
/// Sendable: touched on its event loop alone.
final class BareSourceClientHandler: BareClientHandler, @unchecked Sendable {
    private var payloadBytes = 0
    private var received = 0

    func begin(_ calls: BareCalls, _ payloadBytes: Int, depth: Int) {
        guard take(calls) else { return }
        self.payloadBytes = payloadBytes
        for _ in 0..<depth { ask() }
    }

    override func received(_ bytes: ByteBuffer) {
        received += bytes.readableBytes
        while payloadBytes > 0, received >= payloadBytes {
            received -= payloadBytes
            answered()
            ask()
        }
    }

    private func ask() {
        guard let context, sends() else { return }
        var question = context.channel.allocator.buffer(capacity: 8)
        question.writeInteger(UInt64(payloadBytes))
        context.writeAndFlush(wrapOutboundOut(question), promise: nil)
    }
}
