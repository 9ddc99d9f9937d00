import Testing

@testable import Identity

@Suite struct PeerVerifierConfigurationTests {
    @Test("every problem is reported at once")
    func problems() {
        var configuration = PeerVerifierConfiguration()
        configuration.clockSkew = .seconds(-1)
        configuration.maximumCertificates = 0
        configuration.maximumChainBytes = 0
        configuration.cacheCapacity = -1
        let error = identityError { try PeerVerifier(configuration: configuration) }
        #expect(error?.code == .invalidConfiguration)
        for name in ["clockSkew", "maximumCertificates", "maximumChainBytes", "cacheCapacity"] {
            #expect(error?.message.contains(name) == true)
        }
    }
}
