import Identity
import NIOSSL
import Synchronization

/// An identity's certificates and key as TLS takes them: read once for as long as the identity is in force, and shared by
/// its connections.
final class TLSCredentials: Sendable {
    /// What one generation of the identity shows.
    private struct Shown {
        let generation: UInt64
        let chain: [NIOSSLCertificateSource]
        /// `nil` where the key is held elsewhere: each handshake asks for its own signature.
        let key: NIOSSLPrivateKeySource?
    }

    private let last = Mutex<Shown?>(nil)

    /// The certificates, leaf first, and the key if it is in memory.
    func shown(_ snapshot: IdentitySnapshot) throws -> (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource?)
    {
        try last.withLock { last in
            if let last, last.generation == snapshot.generation { return (last.chain, last.key) }
            let svid = snapshot.svid
            let shown = Shown(
                generation: snapshot.generation,
                chain: try svid.chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) },
                key: svid.hasExternalKey
                    ? nil
                    : .privateKey(try svid.withPrivateKeyDER { try NIOSSLPrivateKey(bytes: $0, format: .der) }))
            last = shown
            return (shown.chain, shown.key)
        }
    }
}
