import Testing

@testable import Identity

/// Which federated domains are waited for, on a time that the tests give.
@Suite struct FederatedFollowersTests {
    private let now = UnixTime(seconds: 1_000)
    private let partner = TrustDomain("partner.example")!
    private let other = TrustDomain("other.example")!

    private func id(_ path: String, of domain: TrustDomain? = nil) throws -> SPIFFEID {
        try SPIFFEID(domain ?? partner, path: path)
    }

    private func peer(_ path: String, until notAfter: UnixTime) throws -> VerifiedPeer {
        VerifiedPeer(
            spiffeID: try id(path), notBefore: UnixTime(seconds: 0), notAfter: notAfter,
            leafFingerprint: SHA256Fingerprint(of: []))
    }

    @Test("nobody waits for a workload that is denied: it could not come again to say anything")
    func denied() throws {
        var followers = FederatedFollowers()
        followers.acknowledged(5, by: followers.began(try peer("/a", until: now + .seconds(100))))
        followers.ended(followers.began(try peer("/stolen", until: now + .seconds(1_000_000))))
        #expect(followers.without(5, of: [partner], now: now) == [partner])
        let list = try DenyList(version: 1, entries: [.identity(try id("/stolen"), issuedBefore: now)])
        #expect(followers.without(5, of: [partner], denying: list, now: now).isEmpty)
    }

    @Test("a domain has the bundle when each of its workloads that have come says so, and one at least has")
    func all() throws {
        var followers = FederatedFollowers()
        #expect(followers.without(5, of: [], now: now).isEmpty)
        #expect(followers.without(5, of: [partner, other], now: now) == [other, partner])
        let a = followers.began(try peer("/a", until: now + .seconds(100)))
        let b = followers.began(try peer("/b", until: now + .seconds(100)))
        followers.acknowledged(5, by: a)
        #expect(followers.without(5, of: [partner], now: now) == [partner])
        followers.acknowledged(6, by: b)
        #expect(followers.without(5, of: [partner], now: now).isEmpty)
        #expect(followers.without(6, of: [partner], now: now) == [partner])
        // What is older takes nothing back.
        followers.acknowledged(1, by: b)
        #expect(followers.without(5, of: [partner, other], now: now) == [other])
    }

    @Test("one that is away is waited for until it is back or its certificate ends")
    func away() throws {
        var followers = FederatedFollowers()
        let here = followers.began(try peer("/here", until: now + .seconds(1_000)))
        followers.acknowledged(5, by: here)
        followers.ended(followers.began(try peer("/a", until: now + .seconds(100))))
        #expect(followers.without(5, of: [partner], now: now) == [partner])
        #expect(followers.without(5, of: [partner], now: now + .seconds(101)).isEmpty)
        // It is back, with another certificate.
        let back = followers.began(try peer("/a", until: now + .seconds(500)))
        #expect(followers.without(5, of: [partner], now: now) == [partner])
        followers.acknowledged(5, by: back)
        #expect(followers.without(5, of: [partner], now: now).isEmpty)
        // One that went away with the bundle holds nobody back.
        followers.ended(back)
        followers.forgetEnded(now: now)
        #expect(followers.without(5, of: [partner], now: now).isEmpty)
        followers.ended(here)
        followers.forgetEnded(now: now + .seconds(1_001))
        #expect(followers.without(0, of: [partner], now: now) == [partner])
    }

    @Test("two instances of one SPIFFE ID are two, and each is waited for")
    func instances() throws {
        var followers = FederatedFollowers()
        let first = followers.began(try peer("/a", until: now))
        let second = followers.began(try peer("/a", until: now))
        followers.acknowledged(5, by: second)
        #expect(followers.without(5, of: [partner], now: now) == [partner])
        followers.ended(first)
        followers.acknowledged(5, by: followers.began(try peer("/a", until: now)))
        #expect(followers.without(5, of: [partner], now: now).isEmpty)
    }

    @Test("of those that come and go without end a bounded number is remembered")
    func bounded() throws {
        var followers = FederatedFollowers()
        for number in 0...FederatedFollowers.mostAway {
            followers.ended(followers.began(try peer("/\(number)", until: now)))
        }
        #expect(followers.count == FederatedFollowers.mostAway)
        // Those that are here do not count.
        for number in 0..<10 { _ = followers.began(try peer("/here/\(number)", until: now)) }
        #expect(followers.count == FederatedFollowers.mostAway + 10)
        followers.forgetEnded(now: now + .seconds(1))
        #expect(followers.count == 10)
    }
}
