import Testing

@testable import Identity

/// The vectors of certificate-transparency's own tests (transparency-dev/merkle, `proof/verify_test.go`): eight leaves, the
/// root for each size, and proofs.
enum MerkleVectors {
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].map { Hexadecimal.decode($0) ?? [] }

    static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    static let inclusionProofs: [(index: UInt64, size: UInt64, hashes: [String])] = [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ]

    static let consistencyProofs: [(old: UInt64, new: UInt64, hashes: [String])] = [
        (1, 1, []),
        (
            1, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            6, 8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (
            2, 5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
        (
            6, 7,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
    ]

    static func root(at size: UInt64) throws -> SHA256Fingerprint { try hash(roots[Int(size) - 1]) }

    static func hash(_ text: String) throws -> SHA256Fingerprint {
        try #require(Hexadecimal.decode(text).flatMap { SHA256Fingerprint(bytes: $0) })
    }

    static func tree(_ entries: [[UInt8]] = leaves) -> MerkleTree {
        var tree = MerkleTree()
        for entry in entries { tree.append(entry) }
        return tree
    }
}

@Suite struct MerkleTreeTests {
    @Test("a tree has certificate-transparency's root at each size, also when it has grown beyond")
    func roots() throws {
        var tree = MerkleTree()
        #expect(tree.root(at: 0).description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for (index, leaf) in MerkleVectors.leaves.enumerated() {
            tree.append(leaf)
            #expect(tree.size == UInt64(index + 1))
            for (size, root) in MerkleVectors.roots.prefix(index + 1).enumerated() {
                #expect(tree.root(at: UInt64(size + 1)).description == root)
            }
        }
    }

    @Test("proofs are certificate-transparency's")
    func proofs() {
        let tree = MerkleVectors.tree()
        for (index, size, hashes) in MerkleVectors.inclusionProofs {
            #expect(tree.inclusionProof(of: index, at: size).hashes.map(\.description) == hashes)
        }
        for (old, new, hashes) in MerkleVectors.consistencyProofs {
            #expect(tree.consistencyProof(from: old, to: new).hashes.map(\.description) == hashes)
        }
    }

    /// RFC 6962, 2.1, as it is written there.
    static func naiveRoot(_ entries: ArraySlice<[UInt8]>) -> SHA256Fingerprint {
        if entries.isEmpty { return SHA256Fingerprint(of: []) }
        if entries.count == 1 { return SHA256Fingerprint(of: [0] + entries[entries.startIndex]) }
        var split = 1
        while split * 2 < entries.count { split *= 2 }
        let middle = entries.startIndex + split
        return SHA256Fingerprint(of: [1] + naiveRoot(entries[..<middle]).bytes + naiveRoot(entries[middle...]).bytes)
    }

    @Test("roots are those of the definition, whatever the entries are")
    func definition() {
        let seed: UInt64 = 0x6962
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let entries = (0..<130).map { _ in
            (0..<Int.random(in: 0..<9, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        let tree = MerkleVectors.tree(entries)
        for size in 0...entries.count {
            #expect(tree.root(at: UInt64(size)) == Self.naiveRoot(entries[..<size]), "size \(size)")
        }
    }
}
