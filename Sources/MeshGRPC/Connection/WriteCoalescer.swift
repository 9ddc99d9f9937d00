import NIOCore

/// Joins the small pieces that HTTP/2 writes, a frame's header here and its bytes there, so that TLS makes one record of
/// them and not one of each.
///
/// Confined to the channel's event loop.
final class WriteCoalescer: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A piece from this size on goes out by itself: copying it costs more than a record.
    private static let largestJoined = 32 << 10
    /// As much as four records carry.
    private static let joinedBytes = 64 << 10

    private var joined: ByteBuffer?
    private var promise: EventLoopPromise<Void>?
    private var context: ChannelHandlerContext?

    /// Sends a frame that HTTP/2's handler is not to know of, behind what that has written.
    func send(_ frame: ByteBuffer) {
        guard let context else { return }
        write(context: context, data: NIOAny(frame), promise: nil)
        flush(context: context)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let piece = unwrapOutboundIn(data)
        if piece.readableBytes >= Self.largestJoined {
            pass(context)
            return context.write(wrapOutboundOut(piece), promise: promise)
        }
        if (joined?.readableBytes ?? 0) + piece.readableBytes > Self.joinedBytes { pass(context) }
        if joined == nil {
            joined = context.channel.allocator.buffer(capacity: 1_024)
        }
        joined?.writeImmutableBuffer(piece)
        guard let promise else { return }
        if let first = self.promise { first.futureResult.cascade(to: promise) } else { self.promise = promise }
    }

    func flush(context: ChannelHandlerContext) {
        pass(context)
        context.flush()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        promise?.fail(ChannelError.ioOnClosedChannel)
        promise = nil
        joined = nil
        self.context = nil
    }

    private func pass(_ context: ChannelHandlerContext) {
        guard let bytes = joined.take() else { return }
        context.write(wrapOutboundOut(bytes), promise: promise.take())
    }
}
