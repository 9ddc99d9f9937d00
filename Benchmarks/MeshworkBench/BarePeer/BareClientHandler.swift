import NIOCore

/// What handlers of bare clients share: the calls that are under way, and how they end with the connection.
///
/// Sendable: touched on its event loop alone, which hands the results out.
class BareClientHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// While the channel is open.
    private(set) var context: ChannelHandlerContext?
    private(set) var calls: BareCalls?

    /// Takes calls to make; returns false, and ends them, where the connection is lost.
    final func take(_ calls: BareCalls) -> Bool {
        guard context != nil else {
            calls.lostConnection()
            return false
        }
        self.calls = calls
        return true
    }

    /// Whether one more call is to be sent now.
    final func sends() -> Bool { calls?.send() == true }

    /// The oldest call has been answered.
    final func answered() { calls?.answered() }

    /// Takes what has been read.
    func received(_ bytes: ByteBuffer) {}

    final func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    final func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    final func channelRead(context: ChannelHandlerContext, data: NIOAny) { received(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) { context.fireChannelReadComplete() }
    func channelWritabilityChanged(context: ChannelHandlerContext) { context.fireChannelWritabilityChanged() }

    final func channelInactive(context: ChannelHandlerContext) {
        calls?.lostConnection()
        context.fireChannelInactive()
    }

    final func errorCaught(context: ChannelHandlerContext, error: any Error) {
        calls?.fail(error)
        context.close(promise: nil)
    }
}
