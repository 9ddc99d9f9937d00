import Crypto
import FoundationEssentials
import SwiftASN1
import X509

@testable import Identity

/// Certificates that may break any rule, which `CertificateAuthority` refuses to make.
struct CertificateFactory {
    static let now = UnixTime(seconds: 1_800_000_000)

    /// What a certificate says; the defaults make a good leaf of `spiffe://example.org/worker`.
    struct Leaf {
        var names: [GeneralName] = [.uniformResourceIdentifier("spiffe://example.org/worker")]
        var basicConstraints: BasicConstraints? = .notCertificateAuthority
        var keyUsage: KeyUsage? = KeyUsage(digitalSignature: true)
        var keyUsageIsCritical = true
        var purposes: [ExtendedKeyUsage.Usage]? = [.serverAuth, .clientAuth]
        var notBefore = CertificateFactory.now - .seconds(60)
        var notAfter = CertificateFactory.now + .seconds(3_600)
        var version: Certificate.Version = .v3
        var otherExtensions: [Certificate.Extension] = []
    }

    /// A signer: its certificate and key.
    struct Signer {
        let certificate: Certificate
        let key: P256.Signing.PrivateKey

        var der: [UInt8] { get throws { try CertificateFactory.der(of: certificate) } }
    }

    static func der(of certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// A certificate of `subject`; without a signer it is signed with its own key.
    static func make(
        _ leaf: Leaf, subject: String = "leaf", signer: Signer? = nil
    ) throws -> Signer {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName(subject) }
        var extensions = Certificate.Extensions()
        if let basicConstraints = leaf.basicConstraints {
            try extensions.append(Certificate.Extension(basicConstraints, critical: true))
        }
        if let keyUsage = leaf.keyUsage {
            try extensions.append(Certificate.Extension(keyUsage, critical: leaf.keyUsageIsCritical))
        }
        if let purposes = leaf.purposes {
            try extensions.append(Certificate.Extension(ExtendedKeyUsage(purposes), critical: false))
        }
        if !leaf.names.isEmpty {
            try extensions.append(Certificate.Extension(SubjectAlternativeNames(leaf.names), critical: false))
        }
        for other in leaf.otherExtensions { try extensions.append(other) }
        let certificate = try Certificate(
            version: leaf.version, serialNumber: Certificate.SerialNumber(bytes: [1, 2, 3]),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: Double(leaf.notBefore.seconds)),
            notValidAfter: Date(timeIntervalSince1970: Double(leaf.notAfter.seconds)),
            issuer: signer?.certificate.subject ?? name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions, issuerPrivateKey: Certificate.PrivateKey(signer?.key ?? key))
        return Signer(certificate: certificate, key: key)
    }

    /// What a good signer of `domain` says.
    static func signerContents(of domain: String = "example.org") -> Leaf {
        var contents = Leaf()
        contents.names = [.uniformResourceIdentifier("spiffe://\(domain)")]
        contents.basicConstraints = .isCertificateAuthority(maxPathLength: nil)
        contents.keyUsage = KeyUsage(keyCertSign: true)
        contents.purposes = nil
        contents.notBefore = now - .seconds(86_400)
        contents.notAfter = now + .seconds(86_400)
        return contents
    }

    static func root(of domain: String = "example.org", subject: String = "root") throws -> Signer {
        try make(signerContents(of: domain), subject: subject)
    }
}

/// The trust domain that most tests use.
func exampleDomain() throws -> TrustDomain {
    try TrustDomain(parsing: "example.org")
}

/// The error that `body` throws; nil when it throws none.
func identityError<Value>(_ body: () throws -> Value) -> IdentityError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? IdentityError
    }
}

/// The error that an asynchronous `body` throws; nil when it throws none.
func identityError<Value>(_ body: () async throws -> Value) async -> IdentityError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? IdentityError
    }
}

/// The bytes of a certificate or request that its signature covers: the first element of the outer sequence.
func signedPart(of der: [UInt8]) throws -> ArraySlice<UInt8> {
    try DER.sequence(DER.parse(der), identifier: .sequence) { nodes in
        let signed = nodes.next()?.encodedBytes ?? []
        while nodes.next() != nil {}
        return signed
    }
}
