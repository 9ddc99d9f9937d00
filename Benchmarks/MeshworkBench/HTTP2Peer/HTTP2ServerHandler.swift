import NIOCore
import NIOHPACK
import NIOHTTP2

/// Answers calls: with their message, or with a byte.
final class HTTP2ServerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let head = HPACKHeaders([(":status", "200"), ("content-type", "application/grpc")])
    private let trailers = HPACKHeaders([("grpc-status", "0")])
    private let receipt = ByteBuffer(repeating: 7, count: 1)
    private var credit = HTTP2Credit()
    /// The streams whose message comes back.
    private var echoes: Set<HTTP2StreamID> = []

    func channelActive(context: ChannelHandlerContext) {
        HTTP2Credit.begin(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let content):
            if content.headers.first(name: ":path") == HTTP2Peer.echoPath { echoes.insert(frame.streamID) }
        case .data(let content):
            guard case .byteBuffer(let bytes) = content.data else { return }
            credit.received(bytes.readableBytes, context)
            guard content.endStream else { return }
            let message = echoes.remove(frame.streamID) == nil ? receipt : bytes
            context.write(.headers(.init(headers: head)), on: frame.streamID)
            context.write(.data(.init(data: .byteBuffer(message))), on: frame.streamID)
            context.write(.headers(.init(headers: trailers, endStream: true)), on: frame.streamID)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}
