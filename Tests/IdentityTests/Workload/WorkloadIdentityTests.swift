import Crypto
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct WorkloadIdentityTests {
    static func identity(seed: UInt64 = 1) throws -> WorkloadIdentity {
        var generator = SeededGenerator(seed: seed)
        return try CertificateAuthorityTests.authority().makeIdentity(
            for: CertificateAuthorityTests.worker(), now: CertificateFactory.now, using: &generator)
    }

    @Test("an identity written as PEM and key is read back the same")
    func roundTrip() throws {
        let identity = try Self.identity()
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
