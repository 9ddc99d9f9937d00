import MeshTransport
import MeshWire
import NIOCore

/// Watches a client's frames, header blocks and opening come whole in time; what does not is an error, which ends the
/// connection.
///
/// Stands before HTTP/2's own handler, which keeps what is not whole to itself. Confined to the channel's event loop.
final class FrameTimeoutHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limit: Duration
    private var progress = FrameProgress()
    private var timer: StallTimer?

    init(limit: Duration) { self.limit = limit }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = StallTimer(limit: limit, on: context.eventLoop) { [unowned self] in
            progress.isUnfinished ? progress.completed : nil
        } stalled: {
            context.fireErrorCaught($0)
        }
        timer?.watch()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        progress.receive(unwrapInboundIn(data))
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        timer?.watch()
        context.fireChannelReadComplete()
    }
}
