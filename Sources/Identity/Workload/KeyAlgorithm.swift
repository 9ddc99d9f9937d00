import Crypto
import X509

/// What kind of key an identity has.
public struct KeyAlgorithm: Sendable, Hashable, CustomStringConvertible {
    /// Its name.
    public let description: String

    /// ECDSA on P-256 with SHA-256: what every TLS library reads.
    public static let p256 = KeyAlgorithm(description: "P-256")
    /// Ed25519 (RFC 8032): shorter, and its signatures have no secret number that could be chosen badly. For meshes of
    /// Meshwork's and OpenSSL's peers; gRPC's C core and Envoy refuse it.
    public static let ed25519 = KeyAlgorithm(description: "Ed25519")

    /// The algorithm of a certificate's key, if it is one of these.
    init?(_ key: Certificate.PublicKey) {
        if P256.Signing.PublicKey(key) != nil {
            self = .p256
        } else if Curve25519.Signing.PublicKey(key) != nil {
            self = .ed25519
        } else {
            return nil
        }
    }

    private init(description: String) { self.description = description }
}
