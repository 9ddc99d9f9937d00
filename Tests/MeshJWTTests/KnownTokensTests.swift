import Identity
import JWTIdentity
import Testing

@testable import MeshJWT

@Suite struct KnownTokensTests {
    @Test("what is asked for stays, what is not is forgotten, and there are never more than the capacity")
    func forgets() async throws {
        let domain = try TrustDomain(parsing: "example.org")
        let authority = try JWTAuthority(trustDomain: domain)
        let bundle = try TrustBundle([TrustDomainBundle(domain, jwtKeys: [authority.publicKey])], generation: 1)
        let now = UnixTime(seconds: 1_800_000_000)
        let token = try await authority.issue(to: SPIFFEID(domain, path: "/a"), for: ["x"], now: now).text
        let svid = try JWTSVIDValidator().validate(token, for: ["x"], against: bundle, now: now)
        #expect(svid.claimValues["sub"] == ["spiffe://example.org/a"] && svid.claimValues["aud"] == ["x"])
        #expect(svid.claimValues["exp"] == ["1800000300"])
        let known = KnownTokens.Known(svid: svid, claims: [:], bundle: bundle)
        func hash(_ number: Int) -> SHA256Fingerprint { SHA256Fingerprint(of: [UInt8(number)]) }
        var tokens = KnownTokens(capacity: 10)
        for number in 0..<200 {
            tokens.insert(known, for: hash(number))
            #expect(tokens[hash(0)] != nil, "\(number)")
            #expect(tokens.count <= 10)
        }
        #expect(tokens[hash(199)] != nil && tokens[hash(100)] == nil)
    }
}
