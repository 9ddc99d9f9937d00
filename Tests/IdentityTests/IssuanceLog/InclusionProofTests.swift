import Testing

@testable import Identity

@Suite struct InclusionProofTests {
    @Test("certificate-transparency's proofs lead to its roots")
    func vectors() throws {
        for (index, size, hashes) in MerkleVectors.inclusionProofs {
            let proof = InclusionProof(hashes: try hashes.map(MerkleVectors.hash))
            #expect(
                try proof.root(of: MerkleVectors.leaves[Int(index)], at: index, size: size)
                    == MerkleVectors.root(at: size))
        }
    }

    @Test("every entry at every size has a proof, which proves it for nothing else")
    func everySize() {
        let entries = (0..<20).map { [UInt8($0)] }
        let tree = MerkleVectors.tree(entries)
        for size in 1...UInt64(entries.count) {
            let root = tree.root(at: size)
            for index in 0..<size {
                let proof = tree.inclusionProof(of: index, at: size)
                #expect(proof.root(of: entries[Int(index)], at: index, size: size) == root)
                #expect(proof.root(of: [], at: index, size: size) != root)
                for other in 0..<size where other != index {
                    #expect(
                        proof.root(of: entries[Int(index)], at: other, size: size) != root, "\(index) \(other) \(size)")
                }
                #expect(proof.root(of: entries[Int(index)], at: size, size: size) == nil)
            }
        }
    }

    @Test("a changed, shortened or lengthened proof proves nothing")
    func changed() throws {
        let tree = MerkleVectors.tree()
        for size in 1...8 as ClosedRange<UInt64> {
            for index in 0..<size {
                let (hashes, root) = (tree.inclusionProof(of: index, at: size).hashes, tree.root(at: size))
                var wrong = hashes.indices.map { place in
                    hashes.enumerated().map { $0 == place ? SHA256Fingerprint(of: $1.bytes) : $1 }
                }
                wrong += [hashes + [root], [root] + hashes, hashes + [MerkleHash.empty]]
                if !hashes.isEmpty { wrong += [Array(hashes.dropLast()), Array(hashes.dropFirst())] }
                for hashes in wrong {
                    let found = InclusionProof(hashes: hashes).root(
                        of: MerkleVectors.leaves[Int(index)], at: index, size: size)
                    #expect(found != root)
                }
            }
        }
    }

    @Test("sizes at the end of the numbers do not trap", arguments: [UInt64.max, UInt64.max - 1, 1 << 63])
    func extremes(size: UInt64) {
        let proof = InclusionProof(hashes: Array(repeating: MerkleHash.empty, count: 70))
        #expect(proof.root(of: [], at: size - 1, size: size) == nil)
        #expect(proof.root(of: [], at: 0, size: size) == nil)
        #expect(proof.root(of: [], at: 0, size: 0) == nil)
    }

    @Test("no node is shown as an entry")
    func secondPreimage() {
        let tree = MerkleVectors.tree()
        let node = tree.root(at: 2)
        let inner =
            [1] + MerkleHash.leaf(MerkleVectors.leaves[0]).bytes + MerkleHash.leaf(MerkleVectors.leaves[1]).bytes
        #expect(SHA256Fingerprint(of: inner) == node)
        let proof = InclusionProof(hashes: Array(tree.inclusionProof(of: 0, at: 4).hashes.dropFirst()))
        #expect(proof.root(of: inner, at: 0, size: 2) != tree.root(at: 4))
        #expect(proof.root(of: Array(inner.dropFirst()), at: 0, size: 2) != tree.root(at: 4))
    }
}
