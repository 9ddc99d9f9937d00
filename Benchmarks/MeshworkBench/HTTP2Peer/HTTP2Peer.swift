import Identity
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL

/// The best peer that one can write on NIOHTTP2 and NIOSSL: bare frames of HTTP/2, no channel for each stream, and
/// windows so large that nobody waits for credit. The size of frames is HTTP/2's own, 16 KiB.
///
/// A call is what gRPC makes of it, head, message and trailers on a stream of its own, without what gRPC does besides.
enum HTTP2Peer {
    static let echoPath = "/bench.Service/Echo"
    static let sinkPath = "/bench.Service/Sink"

    /// The largest window.
    private static let window = Int(Int32.max)

    /// - Parameters:
    ///   - identity: without one it serves in plain text.
    ///   - joinsRecords: whether the pieces that HTTP/2 writes are joined before TLS makes a record of each.
    static func serve(as identity: IdentitySnapshot?, joinsRecords: Bool) async throws -> any Channel {
        try await BarePeer.serve(as: identity) { pipeline in
            try install(HTTP2ServerHandler(), .server, joinsRecords, in: pipeline)
        }
    }

    static func install(
        _ handler: any ChannelHandler, _ mode: NIOHTTP2Handler.ParserMode, _ joinsRecords: Bool,
        in pipeline: ChannelPipeline.SynchronousOperations
    ) throws {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .initialWindowSize, value: window),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 1_024),
        ]
        if joinsRecords { try pipeline.addHandler(RecordJoiner()) }
        try pipeline.addHandler(
            NIOHTTP2Handler(
                mode: mode, connectionConfiguration: connection,
                streamConfiguration: NIOHTTP2Handler.StreamConfiguration()))
        try pipeline.addHandler(handler)
    }
}

/// A connection's credit: all of it at the beginning, and again once half of it is used.
struct HTTP2Credit {
    private static let window = Int(Int32.max)
    private var used = 0

    /// Gives the peer the connection's window.
    static func begin(_ context: ChannelHandlerContext) {
        give(window - 65_535, context)
        context.flush()
    }

    mutating func received(_ bytes: Int, _ context: ChannelHandlerContext) {
        used += bytes
        guard used > Self.window / 2 else { return }
        Self.give(used, context)
        used = 0
    }

    private static func give(_ bytes: Int, _ context: ChannelHandlerContext) {
        let update = HTTP2Frame(streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: bytes))
        context.write(NIOAny(update), promise: nil)
    }
}

/// Joins what is written until the next flush into one buffer.
final class RecordJoiner: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var joined: ByteBuffer?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let piece = unwrapOutboundIn(data)
        promise?.succeed()
        if joined == nil { joined = context.channel.allocator.buffer(capacity: 1_024) }
        joined?.writeImmutableBuffer(piece)
    }

    func flush(context: ChannelHandlerContext) {
        if let bytes = joined.take() { context.write(wrapOutboundOut(bytes), promise: nil) }
        context.flush()
    }
}

extension ChannelHandlerContext {
    /// Writes a frame of HTTP/2.
    func write(_ payload: HTTP2Frame.FramePayload, on stream: HTTP2StreamID) {
        write(NIOAny(HTTP2Frame(streamID: stream, payload: payload)), promise: nil)
    }
}
