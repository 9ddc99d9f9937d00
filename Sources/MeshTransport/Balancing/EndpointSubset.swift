/// Chooses which of many endpoints one client connects to, so that a thousand clients of a thousand servers do not make a
/// million connections.
///
/// Rendezvous hashing: each client ranks endpoints by a hash of its own seed and their names, and takes the first ones.
/// One seed gives one subset; an endpoint that comes or goes changes one place of it at most; and over many clients each
/// endpoint is in as many subsets as another, within chance. Source: gRFC A68, random subsetting.
enum EndpointSubset {
    /// The positions of the `size` names that a client with this seed uses, rising. O(n log n).
    static func choose(_ size: Int, of names: [UInt64], seed: UInt64) -> [Int] {
        guard names.count > size else { return Array(names.indices) }
        let ranks = names.map { StableHash.mixed($0 ^ seed) }
        return names.indices.sorted { (ranks[$0], names[$0]) < (ranks[$1], names[$1]) }.prefix(size).sorted()
    }
}
