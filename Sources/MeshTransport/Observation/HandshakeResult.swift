import NIOSSL

/// What a handshake came to.
enum HandshakeResult: String {
    case ok
    /// The peer's certificate is not trusted, or not the one that was expected.
    case untrusted
    /// TLS could not be agreed on, or the peer has refused our certificate.
    case tls
    case timeout
    /// The connection has been closed.
    case closed
    case failed

    /// Why one failed.
    init(_ error: any Error) {
        switch error {
        case let error as MeshError where error.code == .peerNotTrusted:
            self = error.cause is NIOSSLError ? .tls : .untrusted
        case let error as MeshError where error.code == .connectFailed && error.cause != nil:
            self = .closed
        default:
            self = .failed
        }
    }
}
