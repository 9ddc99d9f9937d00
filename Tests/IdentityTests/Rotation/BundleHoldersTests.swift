import Identity
import Testing

@Suite struct BundleHoldersTests {
    private let now = UnixTime(seconds: 1_000)
    private let later = UnixTime(seconds: 2_000)

    private func id(_ path: String) throws -> SPIFFEID { try SPIFFEID(TrustDomain(parsing: "example.org"), path: path) }

    @Test("everybody who holds a good leaf must have the bundle, workloads of one ID each for itself")
    func acknowledgements() throws {
        var holders = BundleHolders()
        #expect(holders.everybodyHas(2, now: now))
        holders.issued([1], to: try id("/a"), until: later, having: 1)
        holders.issued([0, 2], to: try id("/a"), until: later, having: 1)
        holders.issued([3], to: try id("/b"), until: later, having: 2)
        #expect(try holders.without(2, now: now) == [id("/a")])
        holders.acknowledged(2, by: [0, 1], of: try id("/a"))
        #expect(!holders.everybodyHas(2, now: now))
        // Nobody speaks for another.
        holders.acknowledged(2, by: [2], of: try id("/b"))
        #expect(!holders.everybodyHas(2, now: now))
        holders.acknowledged(2, by: [2], of: try id("/a"))
        #expect(holders.everybodyHas(2, now: now))
        // What was said before is not taken back.
        holders.acknowledged(1, by: [2], of: try id("/a"))
        #expect(holders.everybodyHas(2, now: now) && !holders.everybodyHas(3, now: now))
    }

    @Test("a leaf that has ended or was replaced is waited for no more")
    func ended() throws {
        var holders = BundleHolders()
        holders.issued([1], to: try id("/a"), until: later, having: 1)
        holders.issued([2], to: try id("/a"), until: later + .seconds(500), having: 2, replacing: [1])
        #expect(holders.everybodyHas(2, now: now))
        holders.issued([3], to: try id("/b"), until: later, having: 1)
        #expect(!holders.everybodyHas(2, now: later))
        #expect(holders.everybodyHas(2, now: later + .seconds(1)))
        holders.forgetEnded(now: later + .seconds(1))
        #expect(!holders.everybodyHas(3, now: later + .seconds(1)))
    }

    @Test("leaves of a process that is gone are waited for until the last of them has ended")
    func unknown() {
        let holders = BundleHolders(unknownUntil: later)
        #expect(!holders.everybodyHas(1, now: later))
        #expect(holders.everybodyHas(1, now: later + .seconds(1)))
    }
}
