/// How keys of rows are spread. What decides where a row is kept is permanent and published: clients in other languages
/// compute it.
enum RowHash {
    /// The first number of SplitMix64 from the seed `key` (Steele, Lea and Flood, OOPSLA 2014): a permutation of the
    /// keys in which each bit depends on all.
    static func mixed(_ key: UInt64) -> UInt64 {
        var bits = key &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// The key's place in an index: other bits than those that chose its partition, which all keys of a partition
    /// share.
    static func tag(_ key: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: (mixed(key) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// Two numbers below 2³² that say which counters are a key's.
    static func counters(_ key: UInt64) -> (UInt32, UInt32) {
        let bits = mixed(key ^ 0xD1B5_4A32_D192_ED03)
        return (UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32))
    }
}

extension TableDeclaration {
    /// The partition of a row table that has a key's row: the remainder of ``RowHash/mixed(_:)`` of the key by the
    /// number of partitions, which servers have no part in.
    func partition(ofRow key: UInt64) -> Int { Int(RowHash.mixed(key) % UInt64(partitionCount)) }
}
