import SwiftASN1
import X509

/// A workload's request for a certificate: a fresh key, and the PKCS#10 request that proves its possession.
///
/// The request carries the public key and nothing else; names are the authority's to decide. The private key stays in
/// this value until ``identity(chain:)`` moves it beside its certificate.
/// ```swift
/// let request = try CertificateRequest()
/// let chain = …                              // what the authority answered to request.der
/// let identity = try request.identity(chain: chain)
/// ```
public struct CertificateRequest: Sendable {
    /// The request in DER (PKCS#10, RFC 2986), signed with the key.
    public let der: [UInt8]
    private let key: WorkloadKey

    /// Makes a key of the system's random generator and a request for it.
    ///
    /// - Parameter algorithm: the kind of key. Default P-256, which every TLS library reads.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/signingFailed``.
    public init(_ algorithm: KeyAlgorithm = .p256) throws(IdentityError) {
        let key = WorkloadKey(algorithm)
        guard let signer = key.certificateKey else { preconditionFailure("a fresh key is in memory") }
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName(), privateKey: signer,
                attributes: CertificateSigningRequest.Attributes(),
                signatureAlgorithm: algorithm == .ed25519 ? .ed25519 : .ecdsaWithSHA256)
            var serializer = DER.Serializer()
            try serializer.serialize(request)
            self.der = serializer.serializedBytes
        } catch {
            throw IdentityError(.signingFailed, "the certificate request could not be made", cause: error)
        }
        self.key = key
    }

    /// The identity of the certificate that answers this request.
    ///
    /// - Parameter chain: certificates in DER, leaf first.
    /// - Throws: `IdentityError`, see ``WorkloadIdentity``; code ``IdentityError/Code/keyMismatch`` when the leaf is
    ///   for another key.
    public func identity(chain: [[UInt8]]) throws(IdentityError) -> WorkloadIdentity {
        try WorkloadIdentity(chain: chain, key: key)
    }
}

extension CertificateRequest: CustomStringConvertible, CustomReflectable {
    /// Says that it is a request, and nothing of the key.
    public var description: String { "certificate request of \(der.count) bytes" }
    /// Shows the request's bytes, and nothing of the key.
    public var customMirror: Mirror { Mirror(self, children: ["der": der]) }
}
