import Crypto
import SwiftASN1
import X509

/// A certificate request that an authority has read and whose signature proves possession of the key in it.
///
/// Checking a request is apart from issuing, so that a service can refuse a bad request before it spends a one-time
/// token.
public struct VerifiedCertificateRequest: Sendable {
    let publicKey: Certificate.PublicKey

    /// The SHA-256 of the key (`SubjectPublicKeyInfo` in DER).
    public let keyFingerprint: SHA256Fingerprint

    /// The most bytes of a request that are parsed; one for a P-256 key without attributes has about 200.
    public static let maximumBytes = 4_096

    /// Reads a PKCS#10 request and checks its signature. Its subject and attributes are ignored: see
    /// ``IssuanceAuthorization``.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedRequest``,
    ///   ``IdentityError/Code/keyNotAllowed`` (the key is neither P-256 nor Ed25519) or
    ///   ``IdentityError/Code/requestSignatureInvalid``.
    public init(der: [UInt8]) throws(IdentityError) {
        guard der.count <= Self.maximumBytes else {
            throw IdentityError(
                .malformedRequest,
                "expected a certificate request of at most \(Self.maximumBytes) bytes, found \(der.count)")
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: der)
        } catch {
            throw IdentityError(
                .malformedRequest, "the certificate request (\(der.count) bytes) cannot be read", cause: error)
        }
        let isAllowed =
            P256.Signing.PublicKey(request.publicKey) != nil || Curve25519.Signing.PublicKey(request.publicKey) != nil
        guard isAllowed else {
            throw IdentityError(
                .keyNotAllowed, "expected a P-256 or Ed25519 key in the certificate request, found \(request.publicKey)"
            )
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw IdentityError(
                .requestSignatureInvalid, "the certificate request is not signed with the key that it carries")
        }
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(request.publicKey)
        } catch {
            throw IdentityError(.malformedRequest, "the key of the certificate request cannot be written", cause: error)
        }
        self.publicKey = request.publicKey
        self.keyFingerprint = SHA256Fingerprint(of: serializer.serializedBytes)
    }
}
