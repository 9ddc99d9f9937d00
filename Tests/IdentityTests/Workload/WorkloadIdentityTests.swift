import Crypto
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct WorkloadIdentityTests {
    static func identity(seed: UInt64 = 1, key: KeyAlgorithm = .p256) throws -> WorkloadIdentity {
        var generator = SeededGenerator(seed: seed)
        return try CertificateAuthorityTests.authority().makeIdentity(
            for: CertificateAuthorityTests.worker(), key: key, now: CertificateFactory.now, using: &generator)
    }

    @Test("an identity written as PEM and key is read back the same", arguments: [KeyAlgorithm.p256, .ed25519])
    func roundTrip(key: KeyAlgorithm) throws {
        let identity = try Self.identity(key: key)
        #expect(identity.keyAlgorithm == key)
        #expect(!identity.hasExternalKey)
        let read = try identity.withPrivateKeyPEM { pem in
            try WorkloadIdentity(chain: identity.chain, privateKeyPEM: pem)
        }
        #expect(read == identity)
        let documents = try PEMDocument.parseMultiple(pemString: identity.chainPEM)
        #expect(documents.map(\.derBytes) == identity.chain)
    }

    @Test("the key is lent as PKCS#8 and belongs to the leaf")
    func key() throws {
        let identity = try Self.identity()
        let leaf = try Certificate(derEncoded: identity.chain[0])
        let fromDER = try identity.withPrivateKeyDER { try P256.Signing.PrivateKey(derRepresentation: $0) }
        let fromPEM = try identity.withPrivateKeyPEM { pem in
            #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
            return try P256.Signing.PrivateKey(pemRepresentation: pem)
        }
        #expect(leaf.publicKey == Certificate.PublicKey(fromDER.publicKey))
        #expect(leaf.publicKey == Certificate.PublicKey(fromPEM.publicKey))
    }

    @Test("an Ed25519 key is lent as OpenSSL writes it, and belongs to the leaf")
    func ed25519() throws {
        let identity = try Self.identity(key: .ed25519)
        let leaf = try Certificate(derEncoded: identity.chain[0])
        // RFC 8410, 10.3, but for the key itself.
        let der = identity.withPrivateKeyDER { $0 }
        #expect(der.prefix(16) == [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: der.dropFirst(16))
        #expect(leaf.publicKey == Certificate.PublicKey(key.publicKey))
        #expect(identity.withPrivateKeyPEM { $0 }.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    }

    @Test(
        "an external key's signature is the leaf's, or an error says that it is not",
        arguments: [KeyAlgorithm.p256, .ed25519])
    func externalKey(algorithm: KeyAlgorithm) async throws {
        let (own, other) = (try Self.identity(key: algorithm), try Self.identity(seed: 2, key: algorithm))
        func signing(as identity: WorkloadIdentity) throws -> ExternalKey {
            let der = identity.withPrivateKeyDER { $0 }
            return ExternalKey(algorithm) { bytes in
                algorithm == .p256
                    ? Array(
                        try P256.Signing.PrivateKey(derRepresentation: der).signature(for: bytes).derRepresentation)
                    : Array(try Curve25519.Signing.PrivateKey(rawRepresentation: der.suffix(32)).signature(for: bytes))
            }
        }
        let identity = try WorkloadIdentity(chain: own.chain, key: try signing(as: own))
        #expect(identity.hasExternalKey && identity.keyAlgorithm == algorithm)
        #expect(try await !identity.sign([1, 2, 3]).isEmpty)
        let wrong = try WorkloadIdentity(chain: own.chain, key: try signing(as: other))
        let error = await #expect(throws: IdentityError.self) { try await wrong.sign([1, 2, 3]) }
        #expect(error?.code == .keyMismatch)
    }

    @Test("an external key of another kind than the leaf's is refused")
    func externalKind() throws {
        let identity = try Self.identity()
        let error = identityError { try WorkloadIdentity(chain: identity.chain, key: ExternalKey(.ed25519) { $0 }) }
        #expect(error?.code == .keyMismatch)
    }

    @Test("signers are shown behind the chain, and the key stays")
    func signers() throws {
        let (identity, root) = (try Self.identity(), try CertificateAuthorityTests.authority().rootCertificate)
        let shown = try identity.adding(signers: [root])
        #expect(shown.chain == identity.chain + [root])
        #expect(shown.withPrivateKeyPEM { $0 } == identity.withPrivateKeyPEM { $0 })
        #expect(identityError { try identity.adding(signers: [[1]]) }?.code == .malformedCertificate)
    }

    @Test("a key that is another's or none is refused, and no message repeats it")
    func keyMismatch() throws {
        let (identity, other) = (try Self.identity(), try Self.identity(seed: 2))
        let mismatch = identityError {
            try other.withPrivateKeyPEM { try WorkloadIdentity(chain: identity.chain, privateKeyPEM: $0) }
        }
        #expect(mismatch?.code == .keyMismatch)
        let garbage = identityError { try WorkloadIdentity(chain: identity.chain, privateKeyPEM: "SECRET") }
        #expect(garbage?.code == .keyMismatch)
        #expect(garbage?.description.contains("SECRET") == false)
    }

    @Test("a chain that is empty, garbage or no SVID is refused")
    func badChains() throws {
        let identity = try Self.identity()
        func code(_ chain: [[UInt8]]) -> IdentityError.Code? {
            identityError { try identity.withPrivateKeyPEM { try WorkloadIdentity(chain: chain, privateKeyPEM: $0) } }?
                .code
        }
        #expect(code([]) == .malformedCertificate)
        #expect(code([[1, 2, 3]]) == .malformedCertificate)
        #expect(code(identity.chain + [[1]]) == .malformedCertificate)
        #expect(code([try CertificateFactory.root().der]) == .notAnSVID)
    }

    @Test("neither description nor reflection shows the key")
    func secrecy() throws {
        let identity = try Self.identity()
        var output = ""
        dump(identity, to: &output)
        #expect(!output.contains("key"))
        #expect("\(identity)" == "spiffe://example.org/worker through \(identity.notAfter)")
        #expect(!String(reflecting: identity).contains("PrivateKey"))
    }
}
