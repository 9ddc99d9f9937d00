/// The proof that a log only grew: that its entries begin with those that it had before (RFC 6962, 2.1.2).
public struct ConsistencyProof: Sendable, Hashable {
    /// From the bottom up, at most 65.
    public let hashes: [SHA256Fingerprint]

    /// Makes a proof of the hashes that a log sent.
    public init(hashes: [SHA256Fingerprint]) {
        self.hashes = hashes
    }

    /// Whether a log that had `oldRoot` can have `newRoot` at a later size (RFC 9162, 2.1.4.2).
    ///
    /// Sizes are equal only with equal roots and an empty proof; every log begins with the empty one.
    public func leads(
        from oldRoot: SHA256Fingerprint, at oldSize: UInt64, to newRoot: SHA256Fingerprint, at newSize: UInt64
    ) -> Bool {
        guard oldSize <= newSize else { return false }
        if oldSize == newSize { return hashes.isEmpty && oldRoot == newRoot }
        if oldSize == 0 { return hashes.isEmpty && oldRoot == MerkleHash.empty }
        var path = hashes[...]
        // A tree of a power of two is a node of the new one, whose hash is the old root itself.
        if oldSize & (oldSize - 1) == 0 { path = ([oldRoot] + hashes)[...] }
        guard let first = path.popFirst() else { return false }
        var (node, last) = (oldSize - 1, newSize - 1)
        while node & 1 == 1 { (node, last) = (node >> 1, last >> 1) }
        var (old, new) = (first, first)
        for sibling in path {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                old = MerkleHash.node(sibling, old)
                new = MerkleHash.node(sibling, new)
                while node & 1 == 0, node > 0 { (node, last) = (node >> 1, last >> 1) }
            } else {
                new = MerkleHash.node(new, sibling)
            }
            (node, last) = (node >> 1, last >> 1)
        }
        return last == 0 && old == oldRoot && new == newRoot
    }
}
