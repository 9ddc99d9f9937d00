import NIOCore

/// Stands where the TLS handshake does on a channel without one: says that the channel is established as soon as it is
/// connected, and that nobody has proved anything.
final class PlaintextHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var isEstablished = false

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        // The handlers behind this one are added after it.
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = handler.value
            handler.establish(context)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        establish(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        establish(context)
        context.fireChannelRead(data)
    }

    private func establish(_ context: ChannelHandlerContext) {
        guard !isEstablished, context.channel.isActive else { return }
        isEstablished = true
        let channel = SecureChannel(
            peer: nil, chain: [], own: nil, applicationProtocol: nil, tlsVersion: "plaintext")
        context.fireUserInboundEventTriggered(SecureChannelEvent.established(channel))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
