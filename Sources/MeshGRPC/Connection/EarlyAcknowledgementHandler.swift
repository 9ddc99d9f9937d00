import NIOCore

/// Stands before HTTP/2's own handler on a server until the client has acknowledged the settings:
/// ``EarlyAcknowledgement`` says why. Confined to the channel's event loop.
final class EarlyAcknowledgementHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var acknowledgement = EarlyAcknowledgement()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        acknowledgement.receive(unwrapInboundIn(data)) { context.fireChannelRead(wrapInboundOut($0)) }
        if acknowledgement.isOver { context.pipeline.syncOperations.removeHandler(context: context, promise: nil) }
    }
}
