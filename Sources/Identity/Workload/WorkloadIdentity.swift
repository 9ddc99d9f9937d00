import Crypto
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A workload's X.509-SVID: its certificate chain and the private key that belongs to it.
///
/// An immutable value. The key leaves it only inside ``withPrivateKeyPEM(_:)`` and ``withPrivateKeyDER(_:)``; neither
/// description nor reflection shows it.
public struct WorkloadIdentity: Sendable {
    /// The workload's SPIFFE ID, as its leaf says.
    public let spiffeID: SPIFFEID
    /// Certificates in DER, leaf first, without the root.
    public let chain: [[UInt8]]
    /// When the leaf becomes valid.
    public let notBefore: UnixTime
    /// The last second of the leaf's validity.
    public let notAfter: UnixTime
    private let key: P256.Signing.PrivateKey

    /// Reads an identity that another program issued: certificates in DER, leaf first, and the leaf's P-256 key as PEM
    /// (SEC 1 or PKCS#8).
    ///
    /// The leaf must keep the X.509-SVID rules; whether anybody trusts its signer, peers decide.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/keyMismatch`` (the key cannot be read, or is not the
    ///   leaf's), ``IdentityError/Code/malformedCertificate`` or ``IdentityError/Code/notAnSVID``.
    public init(chain: [[UInt8]], privateKeyPEM: String) throws(IdentityError) {
        let key: P256.Signing.PrivateKey
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
        } catch {
            // The cause is left out: no text about a private key's contents may reach a log.
            throw IdentityError(.keyMismatch, "expected a P-256 private key in PEM, found something else")
        }
        try self.init(chain: chain, key: key)
    }

    init(chain: [[UInt8]], key: P256.Signing.PrivateKey) throws(IdentityError) {
        guard let first = chain.first else {
            throw IdentityError(.malformedCertificate, "expected at least a leaf certificate, found none")
        }
        var certificates: [Certificate] = []
        for (index, der) in chain.enumerated() {
            do {
                certificates.append(try Certificate(derEncoded: der))
            } catch {
                throw IdentityError(
                    .malformedCertificate,
                    "certificate \(index + 1) of \(chain.count) (\(der.count) bytes) cannot be read",
                    cause: error)
            }
        }
        let leaf = certificates[0]
        let id = try SVIDRules.identity(ofLeaf: leaf)
        guard leaf.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw IdentityError(
                .keyMismatch, "the leaf \(SHA256Fingerprint(of: first)) is for another key than the one given", peer: id
            )
        }
        self.spiffeID = id
        self.chain = chain
        self.notBefore = leaf.validFrom
        self.notAfter = leaf.validThrough
        self.key = key
    }

    /// The chain as a PEM file, leaf first.
    public var chainPEM: String {
        chain.map { certificatePEM($0) }.joined()
    }

    /// Lends the private key as PKCS#8 in PEM. Whoever copies it out of `body` answers for it.
    public func withPrivateKeyPEM<Result, Failure: Error>(
        _ body: (String) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(key.pemRepresentation + "\n")
    }

    /// Lends the private key as PKCS#8 in DER. Whoever copies it out of `body` answers for it.
    public func withPrivateKeyDER<Result, Failure: Error>(
        _ body: ([UInt8]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(Array(key.derRepresentation))
    }
}

extension WorkloadIdentity: Hashable {
    /// Whether both have the same certificates, and so the same key.
    public static func == (left: WorkloadIdentity, right: WorkloadIdentity) -> Bool {
        left.chain == right.chain
    }

    /// Feeds the chain.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(chain)
    }
}

extension WorkloadIdentity: CustomStringConvertible, CustomReflectable {
    /// The SPIFFE ID and the end of validity, and nothing of the key.
    public var description: String { "\(spiffeID) through \(notAfter)" }
    /// Shows everything but the key.
    public var customMirror: Mirror {
        Mirror(
            self, children: ["spiffeID": spiffeID, "chain": chain, "notBefore": notBefore, "notAfter": notAfter])
    }
}
