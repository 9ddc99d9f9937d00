import NIOCore
import NIOEmbedded
import Testing

@testable import MeshTransport

@Suite struct PacedWriterTests {
    /// Counts the bytes between two flushes.
    private final class Recorder: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var pending = 0
        var flushes: [Int] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            pending += unwrapOutboundIn(data).readableBytes
            context.write(data, promise: promise)
        }

        func flush(context: ChannelHandlerContext) {
            flushes.append(pending)
            pending = 0
            context.flush()
        }
    }

    /// The context that a connection's handler has.
    private final class Holder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var context: ChannelHandlerContext?
        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    }

    private struct Fixture {
        let channel = EmbeddedChannel()
        let recorder = Recorder()
        let context: ChannelHandlerContext

        init() throws {
            let holder = Holder()
            try channel.pipeline.syncOperations.addHandlers([recorder, holder])
            context = try #require(holder.context)
        }
    }

    @Test("no flush is larger than it may be, and what remains goes out in later turns of the loop")
    func flushes() throws {
        let fixture = try Fixture()
        var left = 40
        let writer = PacedWriter(on: fixture.channel.eventLoop)
        writer.open(fixture.context) {
            guard left > 0 else { return nil }
            left -= 1
            return ByteBuffer(repeating: 1, count: 100_000)
        }
        #expect(fixture.recorder.flushes.count == 1)
        fixture.channel.embeddedEventLoop.run()
        #expect(left == 0)
        #expect(fixture.recorder.flushes.reduce(0, +) == 4_000_000)
        #expect(fixture.recorder.flushes.allSatisfy { $0 < PacedWriter.maximumFlushBytes + 100_000 })
        _ = try fixture.channel.finish(acceptAlreadyClosed: true)
    }

    @Test("nothing is written to a channel that takes nothing")
    func unwritable() throws {
        let fixture = try Fixture()
        var left = 1
        let writer = PacedWriter(on: fixture.channel.eventLoop)
        fixture.channel.isWritable = false
        writer.open(fixture.context) {
            defer { left -= 1 }
            return left > 0 ? ByteBuffer(repeating: 1, count: 10) : nil
        }
        fixture.channel.embeddedEventLoop.run()
        #expect(fixture.recorder.flushes.isEmpty)
        #expect(left == 1)
        fixture.channel.isWritable = true
        writer.flush()
        #expect(fixture.recorder.flushes == [10])
        _ = try fixture.channel.finish(acceptAlreadyClosed: true)
    }

    @Test("several wishes to flush in one turn are one flush, after which it is told")
    func coalescing() throws {
        let fixture = try Fixture()
        var queue: [ByteBuffer] = []
        var told = 0
        let writer = PacedWriter(on: fixture.channel.eventLoop)
        writer.open(
            fixture.context, next: { queue.isEmpty ? nil : queue.removeFirst() }, flushed: { told += 1 })
        for _ in 0..<5 {
            queue.append(ByteBuffer(repeating: 1, count: 10))
            writer.scheduleFlush()
        }
        #expect(fixture.recorder.flushes.isEmpty)
        fixture.channel.embeddedEventLoop.run()
        #expect(fixture.recorder.flushes == [50])
        #expect(told == 1)
        writer.close()
        queue.append(ByteBuffer(repeating: 1, count: 10))
        writer.scheduleFlush()
        fixture.channel.embeddedEventLoop.run()
        #expect(fixture.recorder.flushes == [50])
        _ = try fixture.channel.finish(acceptAlreadyClosed: true)
    }
}
