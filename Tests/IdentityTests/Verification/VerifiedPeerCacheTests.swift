import Testing

@testable import Identity

@Suite struct VerifiedPeerCacheTests {
    static func peer(_ number: Int, notAfter: Int64 = 100) throws -> (VerifiedPeer, SHA256Fingerprint) {
        let key = SHA256Fingerprint(of: [UInt8(number)])
        let peer = VerifiedPeer(
            spiffeID: try SPIFFEID(exampleDomain(), path: "/\(number)"), notBefore: UnixTime(seconds: 0),
            notAfter: UnixTime(seconds: notAfter), leafFingerprint: key)
        return (peer, key)
    }

    @Test("when full, the entry that was added first makes room")
    func eviction() throws {
        var cache = VerifiedPeerCache(capacity: 3)
        let peers = try (0..<8).map { try Self.peer($0) }
        for (index, (peer, key)) in peers.enumerated() {
            cache.insert(peer, for: key)
            #expect(cache.count == min(index + 1, 3))
            for (other, entry) in peers.enumerated() {
                let isKept = other <= index && other > index - 3
                #expect((cache.peer(entry.1, now: UnixTime(seconds: 1)) != nil) == isKept)
            }
        }
    }

    @Test("an entry that is added again keeps its place and takes the new value")
    func replacement() throws {
        var cache = VerifiedPeerCache(capacity: 2)
        let (first, key) = try Self.peer(0, notAfter: 10)
        cache.insert(first, for: key)
        let (renewed, _) = try Self.peer(0, notAfter: 200)
        cache.insert(renewed, for: key)
        #expect(cache.count == 1)
        #expect(cache.peer(key, now: UnixTime(seconds: 150)) == renewed)
    }

    @Test("a cache of no entries remembers nothing")
    func none() throws {
        var cache = VerifiedPeerCache(capacity: 0)
        let (peer, key) = try Self.peer(0)
        cache.insert(peer, for: key)
        #expect(cache.count == 0)
        #expect(cache.peer(key, now: UnixTime(seconds: 1)) == nil)
    }
}
