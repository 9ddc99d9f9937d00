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
/// description nor reflection shows it. An ``ExternalKey`` never was in it.
public struct WorkloadIdentity: Sendable {
    /// The workload's SPIFFE ID, as its leaf says.
    public let spiffeID: SPIFFEID
    /// Certificates in DER, leaf first, without the root.
    public let chain: [[UInt8]]
    /// When the leaf becomes valid.
    public let notBefore: UnixTime
    /// The last second of the leaf's validity.
    public let notAfter: UnixTime
    private let publicKey: Certificate.PublicKey
    private let key: WorkloadKey

    /// Reads an identity that another program issued: certificates in DER, leaf first, and the leaf's key as PEM: P-256
    /// (SEC 1 or PKCS#8) or Ed25519 (PKCS#8).
    ///
    /// The leaf must keep the X.509-SVID rules; whether anybody trusts its signer, peers decide.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/keyMismatch`` (the key cannot be read, or is not the
    ///   leaf's), ``IdentityError/Code/malformedCertificate`` or ``IdentityError/Code/notAnSVID``.
    public init(chain: [[UInt8]], privateKeyPEM: String) throws(IdentityError) {
        guard let key = WorkloadKey(pem: privateKeyPEM) else {
            throw IdentityError(.keyMismatch, "expected a P-256 or Ed25519 private key in PEM, found something else")
        }
        try self.init(chain: chain, key: key)
    }

    /// An identity whose key is held elsewhere. That the key is the leaf's own, its first signature shows.
    ///
    /// - Throws: as ``init(chain:privateKeyPEM:)``; ``IdentityError/Code/keyMismatch`` when the leaf's key is of another
    ///   kind.
    public init(chain: [[UInt8]], key: ExternalKey) throws(IdentityError) {
        try self.init(chain: chain, key: .external(key))
    }

    init(chain: [[UInt8]], key: WorkloadKey) throws(IdentityError) {
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
        guard key.belongs(to: leaf.publicKey) else {
            throw IdentityError(
                .keyMismatch, "the leaf \(SHA256Fingerprint(of: first)) is for another key than the one given", peer: id
            )
        }
        self.spiffeID = id
        self.chain = chain
        self.notBefore = leaf.validFrom
        self.notAfter = leaf.validThrough
        self.publicKey = leaf.publicKey
        self.key = key
    }

    /// The chain as a PEM file, leaf first.
    public var chainPEM: String {
        chain.map { certificatePEM($0) }.joined()
    }

    /// What kind of key it has.
    public var keyAlgorithm: KeyAlgorithm { key.algorithm }

    /// Whether its key is held elsewhere, and so cannot be read.
    public var hasExternalKey: Bool {
        if case .external = key { true } else { false }
    }

    /// The same identity, showing `signers` behind its own chain: to peers that know less than most.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedCertificate``.
    public func adding(signers: [[UInt8]]) throws(IdentityError) -> WorkloadIdentity {
        try WorkloadIdentity(chain: chain + signers, key: key)
    }

    /// The same identity without those certificates behind its leaf that `isShown` leaves out, such as a root.
    package func showing(_ isShown: ([UInt8]) -> Bool) throws(IdentityError) -> WorkloadIdentity {
        try WorkloadIdentity(chain: chain.prefix(1) + chain.dropFirst().filter(isShown), key: key)
    }

    /// Lends the private key as PKCS#8 in PEM. Whoever copies it out of `body` answers for it.
    ///
    /// - Precondition: ``hasExternalKey`` is false.
    public func withPrivateKeyPEM<Result, Failure: Error>(
        _ body: (String) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let pem = key.pem else { preconditionFailure("the key of \(spiffeID) is held elsewhere") }
        return try body(pem)
    }

    /// Lends the private key as PKCS#8 in DER. Whoever copies it out of `body` answers for it.
    ///
    /// - Precondition: ``hasExternalKey`` is false.
    public func withPrivateKeyDER<Result, Failure: Error>(
        _ body: ([UInt8]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let der = key.der else { preconditionFailure("the key of \(spiffeID) is held elsewhere") }
        return try body(der)
    }

    /// A signature of the external key, which has proved to be the leaf's: a wrong one would only be seen by the peer,
    /// who cannot tell us why it hangs up.
    package func sign(_ bytes: [UInt8]) async throws(IdentityError) -> [UInt8] {
        guard case .external(let key) = key else { preconditionFailure("the key of \(spiffeID) is in memory") }
        let signature: [UInt8]
        do {
            signature = try await key.sign(bytes)
        } catch {
            throw IdentityError(.signingFailed, "the external key did not sign", peer: spiffeID, cause: error)
        }
        guard isSignature(signature, of: bytes) else {
            throw IdentityError(
                .keyMismatch, "the external key's signature (\(signature.count) bytes) is not one of the leaf's key",
                peer: spiffeID)
        }
        return signature
    }

    private func isSignature(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        if let publicKey = P256.Signing.PublicKey(publicKey) {
            guard let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return publicKey.isValidSignature(parsed, for: bytes)
        }
        return Curve25519.Signing.PublicKey(publicKey)?.isValidSignature(signature, for: bytes) ?? false
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
