/// The proof that an entry is in a log: the hashes beside its way up to the root (RFC 6962, 2.1.1).
public struct InclusionProof: Sendable, Hashable {
    /// From the entry up, at most 64.
    public let hashes: [SHA256Fingerprint]

    /// Makes a proof of the hashes that a log sent.
    public init(hashes: [SHA256Fingerprint]) {
        self.hashes = hashes
    }

    /// The root that a log of `size` entries has if `entry` is its entry `index`; nil where a proof for these has another
    /// length (RFC 9162, 2.1.3.2).
    public func root(of entry: [UInt8], at index: UInt64, size: UInt64) -> SHA256Fingerprint? {
        guard index < size else { return nil }
        var (node, last) = (index, size - 1)
        var hash = MerkleHash.leaf(entry)
        for sibling in hashes {
            guard last > 0 else { return nil }
            if node & 1 == 1 || node == last {
                hash = MerkleHash.node(sibling, hash)
                // The last node of a level that has no sibling goes up as it is.
                while node & 1 == 0, node > 0 { (node, last) = (node >> 1, last >> 1) }
            } else {
                hash = MerkleHash.node(hash, sibling)
            }
            (node, last) = (node >> 1, last >> 1)
        }
        return last == 0 ? hash : nil
    }
}
