import Identity
import NIOCore
import TestSupport

extension RawClient {
    /// Connects to a server on loopback to speak HTTP/2.
    static func http2(port: Int, as identity: WorkloadIdentity) async throws -> RawClient {
        try await connect(port: port, identity: identity, applicationProtocols: ["h2"])
    }

    /// The header block of the last answer on a stream, when it has come.
    func trailers(of stream: UInt32) async -> [UInt8]? {
        @Sendable func trailers(_ bytes: [UInt8]) -> [UInt8]? {
            frames(in: bytes).last { $0.stream == stream && $0.type == 1 && $0.flags & HTTP2Bytes.endStream != 0 }?
                .payload
        }
        return trailers(await received { trailers($0) != nil })
    }
}

/// A TLS server without HTTP/2: says something when a client's first bytes have come.
enum RawHTTP2Server {
    static func start(as identity: WorkloadIdentity, saying bytes: [UInt8]) async throws -> RawListener {
        try await RawListener.start(as: identity, applicationProtocols: ["h2"]) { Speaker(bytes) }
    }

    private final class Speaker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var bytes: [UInt8]?

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let bytes = bytes.take() else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
