import Testing
import X509

@testable import Identity

@Suite struct VerifiedCertificateRequestTests {
    @Test("a request whose signature is not its own key's is refused")
    func signature() throws {
        let der = try CertificateRequest().der
        // The last byte belongs to the signature's second integer.
        var forged = der
        forged[forged.count - 1] ^= 1
        #expect(identityError { try VerifiedCertificateRequest(der: forged) }?.code == .requestSignatureInvalid)
        _ = try VerifiedCertificateRequest(der: der)
    }

    @Test("garbage and oversized requests are refused")
    func malformed() throws {
        let der = try CertificateRequest().der
        let large = Array(repeating: UInt8(0x30), count: VerifiedCertificateRequest.maximumBytes + 1)
        for bad in [[], [0x30], Array(der.dropLast()), der + [0], large] {
            #expect(identityError { try VerifiedCertificateRequest(der: bad) }?.code == .malformedRequest)
        }
    }

    @Test("a P-384 key is not certified")
    func keyKind() {
        let error = identityError { try VerifiedCertificateRequest(der: OpenSSLFixtures.requestWithP384Key) }
        #expect(error?.code == .keyNotAllowed)
        #expect(error?.message.contains("P384") == true)
    }

    @Test("a request never verifies, and never traps, with any bit changed of what is signed")
    func corrupted() throws {
        let seed: UInt64 = 0xC5_12
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let der = try CertificateRequest().der
        let signed = try signedPart(of: der)
        for _ in 0..<2_000 {
            var corrupted = der
            corrupted[Int.random(in: 0..<der.count, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
            if identityError({ try VerifiedCertificateRequest(der: corrupted) }) == nil {
                // The unused bits of the signature's bit string may be counted in more than one way.
                #expect(try signedPart(of: corrupted) == signed)
            }
        }
    }
}
