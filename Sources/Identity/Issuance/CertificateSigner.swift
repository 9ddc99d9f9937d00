import Crypto
import SwiftASN1
import X509

/// A certificate that may sign others, and its key: what a root and the issuer below it have in common.
struct CertificateSigner: Sendable {
    /// The certificate in DER.
    let der: [UInt8]
    let certificate: Certificate
    private let key: WorkloadKey

    var notBefore: UnixTime { certificate.validFrom }
    var notAfter: UnixTime { certificate.validThrough }

    /// A fresh key of the system's random generator and a certificate for it, signed by `parent` or by itself.
    ///
    /// - Parameters:
    ///   - role: `root` or `issuer`, for the names in the certificate.
    ///   - pathLength: how many signers may follow below it.
    init(
        _ role: String, of trustDomain: TrustDomain, key algorithm: KeyAlgorithm, pathLength: Int,
        notBefore: UnixTime, notAfter: UnixTime, parent: CertificateSigner? = nil,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) {
        let key = WorkloadKey(algorithm)
        let publicKey = key.publicKey
        // The key's name in the subject keeps the signers of one domain apart, so that chains are built by name alone.
        let keyName = SHA256Fingerprint(of: Array(publicKey.subjectPublicKeyInfoBytes)).description.prefix(16)
        let serialNumber = Self.makeSerialNumber(using: &generator)
        do {
            let name = try DistinguishedName {
                OrganizationName("Meshwork")
                CommonName("Meshwork \(role) \(keyName)")
            }
            var extensions = try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: pathLength))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: publicKey)
                SubjectAlternativeNames([.uniformResourceIdentifier(trustDomain.id.description)])
            }
            if let parent { try extensions.append(Certificate.Extension(parent.keyIdentifier, critical: false)) }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: serialNumber), publicKey: publicKey,
                notValidBefore: notBefore.date, notValidAfter: notAfter.date,
                issuer: parent?.certificate.subject ?? name, subject: name,
                signatureAlgorithm: (parent?.key ?? key).signatureAlgorithm, extensions: extensions,
                issuerPrivateKey: (parent?.key ?? key).signingKey)
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            self.der = serializer.serializedBytes
            self.certificate = certificate
            self.key = key
        } catch {
            throw IdentityError(.signingFailed, "the \(role) of \(trustDomain) could not be made", cause: error)
        }
    }

    /// A certificate that was made before, and its key.
    ///
    /// - Throws: `IdentityError` with code `malformedCertificate`, `invalidTrustBundle` or `keyMismatch`.
    init(der: [UInt8], of trustDomain: TrustDomain, key: WorkloadKey) throws(IdentityError) {
        do {
            self.certificate = try Certificate(derEncoded: der)
        } catch {
            throw IdentityError(
                .malformedCertificate, "the authority's certificate (\(der.count) bytes) cannot be read", cause: error)
        }
        if let problem = SVIDRules.problem(ofSigner: certificate, in: trustDomain) {
            throw IdentityError(.invalidTrustBundle, "the authority's certificate: \(problem)")
        }
        guard key.publicKey == certificate.publicKey else {
            throw IdentityError(.keyMismatch, "the authority's key is not the one of its certificate")
        }
        self.der = der
        self.key = key
    }

    /// What a certificate below this one says of its signer.
    private var keyIdentifier: AuthorityKeyIdentifier {
        AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
    }

    /// What kind of key it has.
    var keyAlgorithm: KeyAlgorithm { key.algorithm }

    /// The certificate of another signer anew, in DER, below this one and no longer valid than either: for whoever trusts
    /// this one and not the other's own.
    func crossCertificate(
        of other: CertificateSigner, in trustDomain: TrustDomain, now: UnixTime,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [UInt8] {
        let serialNumber = Self.makeSerialNumber(using: &generator)
        do {
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: serialNumber),
                publicKey: other.certificate.publicKey, notValidBefore: max(now, notBefore).date,
                notValidAfter: min(notAfter, other.notAfter).date, issuer: certificate.subject,
                subject: other.certificate.subject, signatureAlgorithm: key.signatureAlgorithm,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true))
                    SubjectKeyIdentifier(hash: other.certificate.publicKey)
                    keyIdentifier
                    SubjectAlternativeNames([.uniformResourceIdentifier(trustDomain.id.description)])
                },
                issuerPrivateKey: key.signingKey)
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        } catch {
            throw IdentityError(.signingFailed, "a signer of \(trustDomain) could not be certified", cause: error)
        }
    }

    /// The key as PKCS#8 in DER.
    var privateKey: [UInt8] { key.der ?? [] }

    /// Signs the leaf of a workload: exactly one URI beside its other names; cA false; digitalSignature, critical;
    /// server and client authentication.
    func leaf(
        _ publicKey: Certificate.PublicKey, names: [GeneralName], serialNumber: [UInt8], notBefore: UnixTime,
        notAfter: UnixTime
    ) throws -> [UInt8] {
        let leaf = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(bytes: serialNumber), publicKey: publicKey,
            notValidBefore: notBefore.date, notValidAfter: notAfter.date, issuer: certificate.subject,
            // Names that mean anything are alternative names; this one only keeps programs happy that expect a
            // subject.
            subject: DistinguishedName { OrganizationName("Meshwork") },
            signatureAlgorithm: key.signatureAlgorithm,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectKeyIdentifier(hash: publicKey)
                keyIdentifier
                SubjectAlternativeNames(names)
            },
            issuerPrivateKey: key.signingKey)
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        return serializer.serializedBytes
    }

    /// 16 random bytes, positive as RFC 5280, 4.1.2.2 asks: the top bit is clear, and the next one set keeps the length
    /// constant.
    static func makeSerialNumber(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let words = [generator.next(), generator.next()] as [UInt64]
        var bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
        bytes[0] = bytes[0] & 0x3F | 0x40
        return bytes
    }
}

extension WorkloadKey {
    /// The key for signing certificates, which an authority's always can.
    fileprivate var signingKey: Certificate.PrivateKey {
        guard let key = certificateKey else { preconditionFailure("an authority's key is in memory") }
        return key
    }

    fileprivate var publicKey: Certificate.PublicKey { signingKey.publicKey }

    fileprivate var signatureAlgorithm: Certificate.SignatureAlgorithm {
        algorithm == .ed25519 ? .ed25519 : .ecdsaWithSHA256
    }
}
