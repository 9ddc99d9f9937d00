/// Remembers verified chains, so that a peer that connects again costs one hash instead of a parse and signature
/// checks.
///
/// An entry is used only within the validity of its chain, and only for the same chain bytes and the same bundle (both
/// are in the key). When full, the entry that was added first makes room: eviction depends on the order of insertions
/// alone.
struct VerifiedPeerCache {
    private let capacity: Int
    private var peers: [SHA256Fingerprint: VerifiedPeer] = [:]
    /// Keys in the order of insertion, a ring once it is full.
    private var order: [SHA256Fingerprint] = []
    private var oldest = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { peers.count }

    func peer(_ key: SHA256Fingerprint, now: UnixTime) -> VerifiedPeer? {
        guard let peer = peers[key], peer.notBefore <= now, now <= peer.notAfter else { return nil }
        return peer
    }

    mutating func insert(_ peer: VerifiedPeer, for key: SHA256Fingerprint) {
        guard capacity > 0 else { return }
        guard peers.updateValue(peer, forKey: key) == nil else { return }
        if order.count < capacity {
            order.append(key)
        } else {
            peers[order[oldest]] = nil
            order[oldest] = key
            oldest = (oldest + 1) % capacity
        }
    }
}
