import Crypto
import SwiftASN1
import X509

/// The private key of an identity: in memory, or elsewhere.
enum WorkloadKey: Sendable {
    case p256(P256.Signing.PrivateKey)
    case ed25519(Curve25519.Signing.PrivateKey)
    case external(ExternalKey)

    /// A fresh key of the system's random generator.
    init(_ algorithm: KeyAlgorithm) {
        self = algorithm == .ed25519 ? .ed25519(Curve25519.Signing.PrivateKey()) : .p256(P256.Signing.PrivateKey())
    }

    /// Reads a key in PEM; `nil` if it is neither P-256 nor Ed25519. No text about a private key's contents may reach a
    /// log, so there is no more to say.
    init?(pem: String) {
        if let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) {
            self = .p256(key)
        } else if let document = try? PEMDocument(pemString: pem), document.discriminator == "PRIVATE KEY",
            let key = WorkloadKey(der: document.derBytes)
        {
            self = key
        } else {
            return nil
        }
    }

    /// Reads a key in PKCS#8; `nil` if it is neither P-256 nor Ed25519.
    init?(der: [UInt8]) {
        if let seed = Self.ed25519Seed(pkcs8: der),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        {
            self = .ed25519(key)
        } else if let key = try? P256.Signing.PrivateKey(derRepresentation: der) {
            self = .p256(key)
        } else {
            return nil
        }
    }

    var algorithm: KeyAlgorithm {
        switch self {
        case .p256: .p256
        case .ed25519: .ed25519
        case .external(let key): key.algorithm
        }
    }

    /// Whether it is the one of a certificate, as far as that can be told without a signature.
    func belongs(to publicKey: Certificate.PublicKey) -> Bool {
        switch self {
        case .p256(let key): publicKey == Certificate.PublicKey(key.publicKey)
        case .ed25519(let key): publicKey == Certificate.PublicKey(key.publicKey)
        case .external(let key): KeyAlgorithm(publicKey) == key.algorithm
        }
    }

    /// The key for swift-certificates, if it can be read.
    var certificateKey: Certificate.PrivateKey? {
        switch self {
        case .p256(let key): Certificate.PrivateKey(key)
        case .ed25519(let key): Certificate.PrivateKey(key)
        case .external: nil
        }
    }

    /// PKCS#8 in DER, if it can be read.
    var der: [UInt8]? {
        switch self {
        case .p256(let key): Array(key.derRepresentation)
        case .ed25519(let key): Self.pkcs8 + Array(key.rawRepresentation)
        case .external: nil
        }
    }

    /// PKCS#8 in PEM, if it can be read.
    var pem: String? {
        der.map { PEMDocument(type: "PRIVATE KEY", derBytes: $0).pemString + "\n" }
    }

    /// What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410, 7): version 0, the algorithm, and an octet
    /// string in an octet string.
    private static let pkcs8: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    private static func ed25519Seed(pkcs8 der: [UInt8]) -> [UInt8]? {
        guard der.count == pkcs8.count + 32, der.starts(with: pkcs8) else { return nil }
        return Array(der.dropFirst(pkcs8.count))
    }
}
