import Testing

@testable import Identity

@Suite struct CertificateExpiryTests {
    @Test("urgency grows with the life that has passed: 79 % late, 90 % critical, over at the end")
    func urgency() {
        let start = UnixTime(seconds: 5_000)
        let expiry = CertificateExpiry(.leaf, name: "x", notBefore: start, notAfter: start + .seconds(1_000))
        let seconds: [Int64] = [0, 700, 789, 790, 899, 900, 1_000, 1_001]
        #expect(
            seconds.map { expiry.urgency(at: start + .seconds($0)) }
                == [.none, .none, .none, .late, .late, .critical, .critical, .ended])
        #expect(expiry.urgency(at: start + .seconds(649), replacedAfter: 0.5) == .none)
        #expect(expiry.urgency(at: start + .seconds(650), replacedAfter: 0.5) == .late)
    }

    @Test("an identity depends on its leaf, its issuer, and that root of several that they lead to")
    func identity() throws {
        var generator = SeededGenerator(seed: 3)
        let (root, other) = (try RootAuthorityTests.root(), try RootAuthorityTests.root())
        let authority = try root.makeAuthority(now: RootAuthorityTests.now, using: &generator)
        let svid = try authority.makeIdentity(
            for: CertificateAuthorityTests.worker(), now: RootAuthorityTests.now, using: &generator)
        let bundle = try TrustBundle([exampleDomain(): [other.certificate, root.certificate]], generation: 1)
        let expiries = IdentitySnapshot(svid: svid, bundle: bundle, generation: 1).expiries
        #expect(expiries.map(\.role) == [.leaf, .issuer, .root])
        #expect(expiries.map(\.notAfter) == [svid.notAfter, authority.notAfter, root.notAfter])
        #expect(expiries.map(\.name).prefix(1) == ["\(svid.spiffeID)"])
        #expect(expiries.last?.name == "\(root.fingerprint)")
    }
}
