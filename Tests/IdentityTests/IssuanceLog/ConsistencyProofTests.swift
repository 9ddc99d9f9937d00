import Testing

@testable import Identity

@Suite struct ConsistencyProofTests {
    @Test("certificate-transparency's proofs lead from root to root")
    func vectors() throws {
        for (old, new, hashes) in MerkleVectors.consistencyProofs {
            let proof = ConsistencyProof(hashes: try hashes.map(MerkleVectors.hash))
            #expect(
                try proof.leads(
                    from: MerkleVectors.root(at: old), at: old, to: MerkleVectors.root(at: new), at: new))
        }
    }

    @Test("every size leads to every later one, and to no other root")
    func everySize() {
        let tree = MerkleVectors.tree((0..<30).map { [UInt8($0)] })
        let other = MerkleVectors.tree((0..<30).map { [UInt8($0 == 3 ? 99 : $0)] })
        for new in 0...30 as ClosedRange<UInt64> {
            for old in 0...new {
                let proof = tree.consistencyProof(from: old, to: new)
                let (oldRoot, newRoot) = (tree.root(at: old), tree.root(at: new))
                #expect(proof.leads(from: oldRoot, at: old, to: newRoot, at: new), "\(old) \(new)")
                guard old > 3, old < new else { continue }
                #expect(!proof.leads(from: other.root(at: old), at: old, to: newRoot, at: new))
                #expect(!proof.leads(from: oldRoot, at: old, to: other.root(at: new), at: new))
                let foreign = other.consistencyProof(from: old, to: new)
                #expect(!foreign.leads(from: oldRoot, at: old, to: other.root(at: new), at: new))
                #expect(!proof.leads(from: newRoot, at: new, to: oldRoot, at: old))
            }
        }
    }

    @Test("a changed, shortened or lengthened proof proves nothing")
    func changed() {
        let tree = MerkleVectors.tree()
        for new in 2...8 as ClosedRange<UInt64> {
            for old in 1..<new {
                let (oldRoot, newRoot) = (tree.root(at: old), tree.root(at: new))
                let hashes = tree.consistencyProof(from: old, to: new).hashes
                var wrong = hashes.indices.map { place in
                    hashes.enumerated().map { $0 == place ? SHA256Fingerprint(of: $1.bytes) : $1 }
                }
                wrong += [[], hashes + [oldRoot], hashes + [newRoot], [oldRoot] + hashes, [newRoot] + hashes]
                wrong += [Array(hashes.dropLast()), Array(hashes.dropFirst()), [hashes[0]] + hashes]
                for hashes in wrong {
                    let proof = ConsistencyProof(hashes: hashes)
                    #expect(!proof.leads(from: oldRoot, at: old, to: newRoot, at: new), "\(old) \(new)")
                }
            }
        }
    }

    @Test("equal sizes have equal roots, and the empty log leads everywhere, each with an empty proof")
    func trivial() {
        let tree = MerkleVectors.tree()
        let (one, two) = (tree.root(at: 1), tree.root(at: 2))
        let (empty, full) = (ConsistencyProof(hashes: []), ConsistencyProof(hashes: [one]))
        #expect(empty.leads(from: one, at: 1, to: one, at: 1))
        #expect(!empty.leads(from: one, at: 1, to: two, at: 1))
        #expect(!full.leads(from: one, at: 1, to: one, at: 1))
        #expect(empty.leads(from: MerkleHash.empty, at: 0, to: two, at: 2))
        #expect(!empty.leads(from: one, at: 0, to: two, at: 2))
        #expect(!full.leads(from: MerkleHash.empty, at: 0, to: two, at: 2))
        #expect(!empty.leads(from: two, at: 2, to: one, at: 1))
    }

    @Test("sizes at the end of the numbers do not trap")
    func extremes() {
        let proof = ConsistencyProof(hashes: Array(repeating: MerkleHash.empty, count: 70))
        for (old, new) in [(1, UInt64.max), (.max - 1, .max), (.max, .max), (1 << 63, .max)] as [(UInt64, UInt64)] {
            #expect(!proof.leads(from: MerkleHash.empty, at: old, to: MerkleHash.empty, at: new))
        }
    }
}
