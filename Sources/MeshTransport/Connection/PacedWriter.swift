import NIOCore

/// Hands a connection's bytes to its channel no faster than it takes them.
///
/// NIOSSL keeps a buffer as large as the largest flush for the connection's life, so no flush is larger than
/// `maximumFlushBytes`; and nothing is written while the channel says that it is not writable.
///
/// Confined to the channel's event loop.
final class PacedWriter {
    /// The most bytes between two flushes.
    static let maximumFlushBytes = 1 << 20

    private let eventLoop: any EventLoop
    private var context: ChannelHandlerContext?
    private var isFlushScheduled = false
    private var isFlushing = false
    /// Gives the next bytes to send.
    private let next: () -> ByteBuffer?
    /// Called after each flush.
    private let flushed: () -> Void

    init(on eventLoop: any EventLoop, next: @escaping () -> ByteBuffer?, flushed: @escaping () -> Void = {}) {
        self.eventLoop = eventLoop
        self.next = next
        self.flushed = flushed
    }

    /// Starts to write to `context`; what was asked for before goes out now.
    func open(_ context: ChannelHandlerContext) {
        self.context = context
        flush()
    }

    /// Stops to write.
    func close() { context = nil }

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
        guard let context, !isFlushing else { return }
        isFlushing = true
        let wrote = writeAndFlush(to: context)
        isFlushing = false
        if wrote { flushed() }
    }

    /// Whether there was something to write.
    private func writeAndFlush(to context: ChannelHandlerContext) -> Bool {
        var written = 0
        while context.channel.isWritable, written < Self.maximumFlushBytes, let bytes = next() {
            written += bytes.readableBytes
            context.write(NIOAny(bytes), promise: nil)
        }
        guard written > 0 else { return false }
        context.flush()
        // What remains goes out when the channel is writable again, or in the loop's next turn if it still is.
        if context.channel.isWritable, written >= Self.maximumFlushBytes { scheduleFlush() }
        return true
    }
}
