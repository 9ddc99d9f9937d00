import Crypto

/// The hashes of a Merkle tree (RFC 6962, 2.1): a byte before what is hashed tells leaves from nodes, so that no node can
/// be shown as a leaf.
enum MerkleHash {
    /// The root of a tree without leaves.
    static let empty = SHA256Fingerprint(of: [])

    static func leaf(_ entry: [UInt8]) -> SHA256Fingerprint {
        var hash = SHA256()
        hash.update(data: [0])
        hash.update(data: entry)
        return SHA256Fingerprint(hash.finalize())
    }

    static func node(_ left: SHA256Fingerprint, _ right: SHA256Fingerprint) -> SHA256Fingerprint {
        var hash = SHA256()
        hash.update(data: [1])
        hash.update(data: left.bytes)
        hash.update(data: right.bytes)
        return SHA256Fingerprint(hash.finalize())
    }
}

/// A Merkle tree that grows at its end (RFC 6962, 2.1): a root for each size that it ever had, and proofs that are
/// logarithmic in it.
///
/// The hash of each subtree that is full is kept, since it never changes: 64 bytes an entry. Appending takes one hash on
/// average; roots and proofs take a number of hashes that is logarithmic in the size.
struct MerkleTree: Sendable {
    /// `levels[k][i]` is the hash of the leaves from `i << k` up to `(i + 1) << k`.
    private var levels: [[SHA256Fingerprint]] = [[]]

    /// How many leaves it has.
    var size: UInt64 { UInt64(levels[0].count) }

    mutating func append(_ entry: [UInt8]) {
        var hash = MerkleHash.leaf(entry)
        var level = 0
        levels[0].append(hash)
        // A subtree is full when its right half has been.
        while levels[level].count % 2 == 0 {
            hash = MerkleHash.node(levels[level][levels[level].count - 2], hash)
            level += 1
            if level == levels.count { levels.append([]) }
            levels[level].append(hash)
        }
    }

    /// The root when there were `size` leaves.
    func root(at size: UInt64) -> SHA256Fingerprint {
        size == 0 ? MerkleHash.empty : hash(of: 0..<Int(size))
    }

    /// The audit path of a leaf among the first `size` (RFC 6962, 2.1.1), from the leaf up.
    func inclusionProof(of index: UInt64, at size: UInt64) -> InclusionProof {
        var hashes: [SHA256Fingerprint] = []
        var range = 0..<Int(size)
        while range.count > 1 {
            let middle = range.lowerBound + Self.split(range.count)
            let isLeft = index < UInt64(middle)
            hashes.append(hash(of: isLeft ? middle..<range.upperBound : range.lowerBound..<middle))
            range = isLeft ? range.lowerBound..<middle : middle..<range.upperBound
        }
        return InclusionProof(hashes: hashes.reversed())
    }

    /// The proof that the first `newSize` leaves begin with the first `oldSize` (RFC 6962, 2.1.2).
    func consistencyProof(from oldSize: UInt64, to newSize: UInt64) -> ConsistencyProof {
        guard oldSize > 0, oldSize < newSize else { return ConsistencyProof(hashes: []) }
        var hashes: [SHA256Fingerprint] = []
        var range = 0..<Int(newSize)
        let old = Int(oldSize)
        // Whether the old tree is all of the range's beginning, so that its verifier knows the hash.
        var isComplete = true
        while old < range.upperBound {
            let middle = range.lowerBound + Self.split(range.count)
            if old <= middle {
                hashes.append(hash(of: middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                hashes.append(hash(of: range.lowerBound..<middle))
                range = middle..<range.upperBound
                isComplete = false
            }
        }
        if !isComplete { hashes.append(hash(of: range)) }
        return ConsistencyProof(hashes: hashes.reversed())
    }

    /// The hash of a range that is a subtree of the tree over some first leaves.
    private func hash(of range: Range<Int>) -> SHA256Fingerprint {
        let count = range.count
        if count & (count - 1) == 0 {
            let level = count.trailingZeroBitCount
            return levels[level][range.lowerBound >> level]
        }
        let middle = range.lowerBound + Self.split(count)
        return MerkleHash.node(hash(of: range.lowerBound..<middle), hash(of: middle..<range.upperBound))
    }

    /// The largest power of two below `count`, which is at least 2: how many leaves the left subtree has.
    private static func split(_ count: Int) -> Int {
        1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}
