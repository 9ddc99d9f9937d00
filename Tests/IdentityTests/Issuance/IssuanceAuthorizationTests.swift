import Testing

@testable import Identity

@Suite struct IssuanceAuthorizationTests {
    @Test("every problem is reported at once")
    func problems() throws {
        let error = identityError {
            try IssuanceAuthorization(
                spiffeID: exampleDomain().id, dnsNames: ["*.example.org", "UPPER", "a..b"],
                ipAddresses: ["1.2.3", "::g"],
                lifetime: .zero)
        }
        #expect(error?.code == .invalidAuthorization)
        for part in ["to have a path", "*.example.org", "UPPER", "a..b", "1.2.3", "::g", "lifetime"] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
    }

    @Test("a leaf has at most 32 names and 32 addresses")
    func count() throws {
        let id = try SPIFFEID(exampleDomain(), path: "/a")
        let (names, addresses) = (Array(repeating: "a", count: 33), Array(repeating: "::1", count: 33))
        let error = identityError { try IssuanceAuthorization(spiffeID: id, dnsNames: names, ipAddresses: addresses) }
        #expect(error?.message.contains("32 DNS names, found 33") == true)
        #expect(error?.message.contains("32 addresses, found 33") == true)
    }
}
