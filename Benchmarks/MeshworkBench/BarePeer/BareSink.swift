import Identity
import NIOCore
import NIOSSL

/// Sends payloads behind their length, each answered by a byte.
///
/// A payload is written in pieces of 256 KiB for as long as the channel is writable, which is faster than in one piece:
/// NIOSSL would encrypt all of it before the first byte leaves.
struct BareSinkClient: TransferClient {
    private let channel: any Channel
    private let handler = BareSinkClientHandler()

    /// Without an identity it sends in plain text.
    init(port: Int, as identity: IdentitySnapshot?) async throws {
        channel = try await BarePeer.connect(
            port: port, with: try identity.map { try BarePeer.context($0, isServer: false) }
        ) { [handler] in try $0.addHandler(handler) }
    }

    func send(_ bytes: Int, count: Int, depth: Int) async throws {
        let payload = ByteBuffer(repeating: 1, count: bytes)
        let done = channel.eventLoop.makePromise(of: [Double].self)
        channel.eventLoop.execute { [handler] in handler.begin(BareCalls(count, done), payload, depth: depth) }
        _ = try await done.futureResult.get()
    }
}

/// Counts payloads and answers each with a byte.
final class BareSinkServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let reply = ByteBuffer(repeating: 7, count: 1)
    private var head = ByteBuffer()
    private var remaining = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        while bytes.readableBytes > 0 {
            if remaining == 0 {
                // The head may come in two reads.
                if var piece = bytes.readSlice(length: min(8 - head.readableBytes, bytes.readableBytes)) {
                    head.writeBuffer(&piece)
                }
                guard let length = head.readInteger(as: UInt64.self) else { continue }
                head.clear()
                remaining = Int(length)
            } else {
                let count = min(remaining, bytes.readableBytes)
                bytes.moveReaderIndex(forwardBy: count)
                remaining -= count
                if remaining == 0 { context.writeAndFlush(wrapOutboundOut(reply), promise: nil) }
            }
        }
    }
}

/// Writes payloads for as long as the channel takes them.
///
/// Sendable: touched on its event loop alone.
final class BareSinkClientHandler: BareClientHandler, @unchecked Sendable {
    private static let pieceBytes = 256 << 10

    private var payload = ByteBuffer()
    /// What of the payload that is being written has not been.
    private var unwritten = ByteBuffer()
    /// How many more payloads may be under way.
    private var room = 0
    private var isWriting = false

    func begin(_ calls: BareCalls, _ payload: ByteBuffer, depth: Int) {
        guard take(calls) else { return }
        self.payload = payload
        room = depth
        write()
    }

    override func received(_ bytes: ByteBuffer) {
        for _ in 0..<bytes.readableBytes {
            room += 1
            answered()
        }
        write()
    }

    override func channelWritabilityChanged(context: ChannelHandlerContext) { write() }

    private func write() {
        // A flush may make the channel writable, which calls back.
        guard let context, !isWriting else { return }
        isWriting = true
        defer { isWriting = false }
        while context.channel.isWritable {
            if unwritten.readableBytes == 0 {
                guard room > 0, sends() else { return }
                room -= 1
                unwritten = payload
                var head = context.channel.allocator.buffer(capacity: 8)
                head.writeInteger(UInt64(payload.readableBytes))
                context.write(wrapOutboundOut(head), promise: nil)
            }
            let count = min(Self.pieceBytes, unwritten.readableBytes)
            guard let piece = unwritten.readSlice(length: count) else { return }
            context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
        }
    }
}
