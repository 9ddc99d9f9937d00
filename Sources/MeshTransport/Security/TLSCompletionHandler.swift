import Identity
import NIOCore
import NIOSSL
import NIOTLS

/// Turns the end of a TLS handshake into a ``SecureChannelEvent`` and its failure into a ``MeshError``.
final class TLSCompletionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let handshake: HandshakeState
    private let requiresPeer: Bool
    private let own: IdentitySnapshot?

    init(_ handshake: HandshakeState, requiresPeer: Bool, own: IdentitySnapshot?) {
        self.handshake = handshake
        self.requiresPeer = requiresPeer
        self.own = own
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        // A handshake that our verifier has not seen proves nothing, however it came about.
        guard !requiresPeer || handshake.peer != nil else {
            context.fireErrorCaught(
                MeshError(.peerNotTrusted, "the handshake ended without a verified certificate", progress: .notSent))
            return context.close(promise: nil)
        }
        let version = (try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self))?.tlsVersion
        var channel = SecureChannel(
            peer: handshake.peer, chain: handshake.chain, own: own, applicationProtocol: negotiated,
            tlsVersion: version.map(Self.name) ?? "unknown")
        channel.offeredProtocols = handshake.offeredProtocols
        context.fireUserInboundEventTriggered(SecureChannelEvent.established(channel))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(handshake.failure ?? Self.failure(error))
    }

    /// A peer that says something wrong is not trusted; one that goes away may come back.
    private static func failure(_ error: any Error) -> MeshError {
        if case .handshakeFailed(let reason)? = error as? NIOSSLError, reason != .sslError([.eofDuringHandshake]) {
            return MeshError(.peerNotTrusted, "the TLS handshake failed", progress: .notSent, cause: error)
        }
        return MeshError(.connectFailed, "the connection ended in the TLS handshake", progress: .notSent, cause: error)
    }

    private static func name(of version: TLSVersion) -> String {
        switch version {
        case .tlsv1: "TLSv1.0"
        case .tlsv11: "TLSv1.1"
        case .tlsv12: "TLSv1.2"
        case .tlsv13: "TLSv1.3"
        }
    }
}
