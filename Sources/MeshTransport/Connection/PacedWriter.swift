import NIOCore

/// Hands a connection's bytes to its channel no faster than it takes them.
///
/// NIOSSL keeps a buffer as large as the largest flush for the connection's life, so no flush is larger than
/// `maximumFlushBytes`; and nothing is written while the channel says that it is not writable.
///
/// Confined to the channel's event loop.
final class PacedWriter {
    /// The most bytes between two flushes.
    static let maximumFlushBytes = 256 << 10

    private let eventLoop: any EventLoop
    private var isFlushScheduled = false
    private var isFlushing = false
    private var channel: (context: ChannelHandlerContext, source: Source)?

    /// Where the bytes come from.
    private struct Source {
        /// Gives the next bytes to send.
        let next: () -> ByteBuffer?
        /// Called after each flush.
        let flushed: () -> Void
    }

    init(on eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Starts to write what `next` gives to `context`; what waits goes out now. `flushed` is called after each flush.
    /// Both are kept until ``close()``.
    func open(_ context: ChannelHandlerContext, next: @escaping () -> ByteBuffer?, flushed: @escaping () -> Void = {}) {
        channel = (context, Source(next: next, flushed: flushed))
        flush()
    }

    /// Stops to write.
    func close() { channel = nil }

    /// Flushes in the loop's next turn, once for all that ask before.
    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    /// Writes and flushes what the channel takes now.
    func flush() {
        // The channel may become writable while it is flushed, and calls back.
        guard let (context, source) = channel, !isFlushing else { return }
        isFlushing = true
        let wrote = write(source, to: context)
        isFlushing = false
        if wrote { source.flushed() }
    }

    /// Whether there was something to write.
    private func write(_ source: Source, to context: ChannelHandlerContext) -> Bool {
        let channel = context.channel
        var written = 0
        while channel.isWritable, written < Self.maximumFlushBytes, let bytes = source.next() {
            written += bytes.readableBytes
            context.write(NIOAny(bytes), promise: nil)
        }
        guard written > 0 else { return false }
        context.flush()
        // What remains goes out when the channel is writable again, or in the loop's next turn if it still is.
        if written >= Self.maximumFlushBytes, channel.isWritable { scheduleFlush() }
        return true
    }
}
