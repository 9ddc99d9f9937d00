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

    @Test("a leaf for which there was no room is waited for until it has ended")
    func noRoom() throws {
        var holders = BundleHolders()
        holders.issued([1], to: try id("/a"), until: later, having: 1)
        for number in 2...65 as ClosedRange<UInt8> {
            holders.issued([number], to: try id("/a"), until: later + .seconds(500), having: 2)
        }
        #expect(!holders.everybodyHas(2, now: later))
        #expect(try holders.without(2, now: later) == [id("/a")])
        #expect(holders.everybodyHas(2, now: later + .seconds(1)))
        holders.forgetEnded(now: later + .seconds(1))
        #expect(holders.everybodyHas(2, now: later))
    }

    @Test("who has a leaf of another root is known until it is replaced or has ended")
    func roots() throws {
        var holders = BundleHolders()
        let (old, new) = (SHA256Fingerprint(of: [1]), SHA256Fingerprint(of: [2]))
        holders.issued([1], to: try id("/a"), until: later, below: old, having: 1)
        holders.issued([2], to: try id("/b"), until: later, below: old, having: 1)
        #expect(try holders.notBelow(new, now: now) == [id("/a"), id("/b")])
        holders.issued([3], to: try id("/a"), until: later, below: new, having: 1, replacing: [1])
        #expect(try holders.notBelow(new, now: now) == [id("/b")])
        #expect(holders.notBelow(new, now: later + .seconds(1)).isEmpty)
    }
}
