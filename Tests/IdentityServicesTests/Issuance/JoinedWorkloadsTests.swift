import Identity
import Testing

@testable import IdentityServices

@Suite struct JoinedWorkloadsTests {
    private let now = UnixTime(seconds: 1_000)

    private func authorization(_ path: String, _ name: String) throws -> IssuanceAuthorization {
        try IssuanceAuthorization(
            spiffeID: SPIFFEID(TrustDomain(parsing: "example.org"), path: path), dnsNames: [name])
    }

    @Test("workloads of one SPIFFE ID keep the names that each has joined with")
    func instances() throws {
        var joined = JoinedWorkloads(capacity: 10)
        let (first, second) = (try authorization("/a", "one.example"), try authorization("/a", "two.example"))
        joined.add([0, 1], first, until: now)
        joined.add([2], second, until: now)
        #expect(joined.authorization(of: first.spiffeID, serialNumber: [1]) == first)
        #expect(joined.authorization(of: first.spiffeID, serialNumber: [0, 2]) == second)
        // One that is not known has the last one's.
        #expect(joined.authorization(of: first.spiffeID, serialNumber: [3]) == second)
        #expect(joined.authorization(of: try authorization("/b", "b.example").spiffeID, serialNumber: [1]) == nil)
    }

    @Test("what has ended makes room")
    func room() throws {
        var joined = JoinedWorkloads(capacity: 2)
        joined.add([1], try authorization("/a", "a.example"), until: now)
        let beforehand = joined.hasRoom(at: now)
        #expect(beforehand)
        let other = try authorization("/b", "b.example")
        joined.add([2], other, until: now + .seconds(10))
        let (full, later) = (joined.hasRoom(at: now), joined.hasRoom(at: now + .seconds(1)))
        #expect(!full && later)
        #expect(joined.authorization(of: other.spiffeID, serialNumber: [2]) == other)
    }
}
