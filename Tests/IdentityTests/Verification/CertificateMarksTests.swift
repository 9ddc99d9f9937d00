import Crypto
import Testing
import X509

@testable import Identity

@Suite struct CertificateMarksTests {
    @Test("the marks of a certificate are its serial number, what is signed of it, and its key")
    func marks() throws {
        let signer = try CertificateFactory.root()
        let marks = try CertificateMarks(der: signer.der)
        #expect(marks.serialNumber == [1, 2, 3])
        #expect(try marks.signedPart == SHA256Fingerprint(of: Array(signedPart(of: signer.der))))
        #expect(marks.key == SHA256Fingerprint(of: Array(signer.key.publicKey.derRepresentation)))
    }

    @Test("two certificates of one key differ in all but the key")
    func renewed() throws {
        let request = try CertificateRequest()
        var generator = SeededGenerator(seed: 3)
        let authority = try CertificateAuthority(
            trustDomain: exampleDomain(), now: CertificateFactory.now, using: &generator)
        let authorization = try IssuanceAuthorization(spiffeID: SPIFFEID(parsing: "spiffe://example.org/worker"))
        let verified = try VerifiedCertificateRequest(der: request.der)
        let marks = try (0..<2).map { _ in
            try CertificateMarks(
                der: authority.issue(verified, for: authorization, now: CertificateFactory.now, using: &generator)
                    .chain[0])
        }
        #expect(marks[0].key == marks[1].key)
        #expect(marks[0].serialNumber != marks[1].serialNumber)
        #expect(marks[0].signedPart != marks[1].signedPart)
    }

    @Test(
        "zeros before a serial number are not part of it",
        arguments: [([0, 0x80], [0x80]), ([0, 0], [0]), ([], [0]), ([1, 0], [1, 0])] as [([UInt8], [UInt8])])
    func serialNumber(given: [UInt8], expected: [UInt8]) {
        #expect(CertificateMarks.normalized(given) == expected)
    }

    @Test(
        "what is no certificate is malformed",
        arguments: [[], [0x30, 0], [0x30, 2, 0x30, 0], [0x30, 4, 0x30, 2, 5, 0]] as [[UInt8]])
    func malformed(der: [UInt8]) {
        #expect(identityError { try CertificateMarks(der: der) }?.code == .malformedCertificate)
    }
}
