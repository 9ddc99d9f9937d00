import Identity
import MeshWire
import NIOCore
import NIOTLS
import Synchronization
import TestSupport

/// A TLS server without a mesh: greets whoever connects and answers the first call, both with what a test wants.
enum RawServer {
    /// What it says.
    struct Script: Sendable {
        /// Sent when the handshake is done; default a proper greeting.
        var greeting = RawBytes().bytes
        /// Sent when the first call has come.
        var answer: [UInt8] = []
        /// Whether the connection is closed behind the answer.
        var closes = false
        /// The bytes of `data` frames that come before the answer. Default 0.
        var awaitedData = 0
        /// Where what clients send is kept, if anywhere.
        var tape: Tape?
    }

    /// What clients have sent, connection after connection.
    final class Tape: Sendable {
        private let kept = Mutex<[UInt8]>([])
        var bytes: [UInt8] { kept.withLock { $0 } }
        func append(_ bytes: ByteBuffer) { kept.withLock { $0 += bytes.readableBytesView } }
    }

    /// Listens on loopback with the certificate of `identity`; anybody may connect.
    static func start(as identity: WorkloadIdentity, _ script: Script) async throws -> RawListener {
        try await RawListener.start(as: identity, applicationProtocols: ["meshwork/1"]) { Speaker(script) }
    }

    private final class Speaker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let script: Script
        private var received = ByteBuffer()
        private var hasPreface = false
        private var hasAnswered = false
        private var isCalled = false
        private var data = 0

        init(_ script: Script) { self.script = script }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted? = event as? TLSUserEvent { say(script.greeting, context) }
            context.fireUserInboundEventTriggered(event)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            script.tape?.append(bytes)
            received.writeImmutableBuffer(bytes)
            guard !hasAnswered, hasRequest() else { return }
            hasAnswered = true
            say(script.answer, context)
            if script.closes { context.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        /// Reads whole frames up to a call, and the data that is awaited of it.
        private func hasRequest() -> Bool {
            if !hasPreface { hasPreface = received.readSlice(length: Preface.bytes.count) != nil }
            while hasPreface {
                let start = received.readerIndex
                guard let header = try? FrameHeader(from: &received) else { return false }
                guard received.readSlice(length: header.payloadLength) != nil else {
                    received.moveReaderIndex(to: start)
                    return false
                }
                if header.kind == .request { isCalled = true }
                if header.kind == .data { data += header.payloadLength }
                if isCalled, data >= script.awaitedData { return true }
            }
            return false
        }

        private func say(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }
    }
}
