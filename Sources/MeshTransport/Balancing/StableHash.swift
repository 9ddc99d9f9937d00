import MeshWire

/// A hash of names and keys that is the same in every process: clients that share no state send one key to one endpoint.
enum StableHash {
    /// FNV-1a of the UTF-8 bytes, mixed so that all bits depend on all bytes.
    static func of(_ text: some StringProtocol) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mixed(hash)
    }

    /// Spreads a number over all 64 bits: one step of ``SplitMix64`` from it.
    static func mixed(_ number: UInt64) -> UInt64 {
        var generator = SplitMix64(seed: number)
        return generator.next()
    }
}
