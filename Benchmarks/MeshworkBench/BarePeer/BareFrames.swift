import Identity
import NIOCore
import NIOSSL

/// Frames of a length and 64 bytes, each decoded, allocated and written by itself; those of one read share a flush.
/// What any protocol of messages has to do, and nothing else.
struct BareFrameClient: EchoClient {
    private let channel: any Channel
    private let handler = BareFrameClientHandler()

    init(port: Int, as identity: IdentitySnapshot) async throws {
        channel = try await BarePeer.connect(
            port: port, with: try BarePeer.context(identity, isServer: false)
        ) { [handler] in try $0.addHandler(handler) }
    }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await handler.run(calls, depth: depth, on: channel)
    }
}

/// Takes frames out of what is read.
struct BareFrameReader {
    private var unread: ByteBuffer?

    /// Takes in what has been read.
    mutating func append(_ bytes: ByteBuffer) {
        guard var unread else { return self.unread = bytes }
        unread.writeImmutableBuffer(bytes)
        self.unread = unread
    }

    /// The next whole frame's bytes.
    mutating func next() -> ByteBuffer? {
        guard let frame = unread?.readLengthPrefixedSlice(as: UInt32.self) else { return nil }
        if unread?.readableBytes == 0 { unread = nil }
        return frame
    }
}

extension ChannelHandlerContext {
    /// Writes `bytes` as a frame in a buffer of its own.
    func writeFrame(_ bytes: ByteBuffer) {
        var frame = channel.allocator.buffer(capacity: 4 + bytes.readableBytes)
        frame.writeInteger(UInt32(bytes.readableBytes))
        frame.writeImmutableBuffer(bytes)
        write(NIOAny(frame), promise: nil)
    }
}

/// Sends every frame back.
final class BareFrameServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var reader = BareFrameReader()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        reader.append(unwrapInboundIn(data))
        while let frame = reader.next() { context.writeFrame(frame) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}

/// Sends a frame for each that comes back.
///
/// Sendable: touched on its event loop alone, which hands the results out.
final class BareFrameClientHandler: BareClientHandler, BareCaller, @unchecked Sendable {
    private let message = ByteBuffer(repeating: 1, count: 64)
    private var reader = BareFrameReader()

    func begin(_ calls: BareCalls, depth: Int) {
        guard take(calls) else { return }
        for _ in 0..<depth { send() }
        context?.flush()
    }

    override func received(_ bytes: ByteBuffer) {
        reader.append(bytes)
        while reader.next() != nil {
            answered()
            send()
        }
    }

    override func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    private func send() {
        guard sends() else { return }
        context?.writeFrame(message)
    }
}
