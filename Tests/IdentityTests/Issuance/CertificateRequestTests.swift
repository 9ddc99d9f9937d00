import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct CertificateRequestTests {
    @Test("each request has a key of its own and says nothing but the key")
    func fresh() throws {
        let (first, second) = (try CertificateRequest(), try CertificateRequest())
        let requests = try [first, second].map { try CertificateSigningRequest(derEncoded: $0.der) }
        #expect(requests[0].publicKey != requests[1].publicKey)
        #expect(requests[0].subject.isEmpty)
        #expect(requests[0].attributes.isEmpty)
    }

    @Test("the answer to another request is refused")
    func otherKey() throws {
        let authority = try CertificateAuthorityTests.authority()
        var generator = SeededGenerator(seed: 1)
        let verified = try VerifiedCertificateRequest(der: CertificateRequest().der)
        let issued = try authority.issue(
            verified, for: CertificateAuthorityTests.worker(), now: CertificateFactory.now, using: &generator)
        let error = identityError { try CertificateRequest().identity(chain: issued.chain) }
        #expect(error?.code == .keyMismatch)
    }

    @Test("neither description nor reflection shows the key")
    func secrecy() throws {
        let request = try CertificateRequest()
        var output = ""
        dump(request, to: &output)
        #expect(!output.contains("key"))
        #expect(!"\(request)".contains("key"))
    }
}
