import Coordination

/// A server's place in the chain of a partition, in one epoch of the map.
///
/// Records go down the chain, from the head to the tail; what the tail has is acknowledged up the chain. A server that
/// joins is behind the tail, and does not count yet.
struct ChainPlace: Sendable, Hashable {
    /// What the server is there.
    enum Role: Sendable, Hashable {
        case head, follower, joining
    }

    var epoch: UInt64
    var role: Role
    /// Who sends it records; nobody to a head.
    var predecessor: String?
    /// Who gets records from it: the next in the chain, or, from a tail, the server that joins.
    var successor: String?
    /// Whether that is a server that joins.
    var isSuccessorJoining = false
    /// How many followers the head has.
    var followers: Int

    /// The place of `server`; `nil` if it has none.
    init?(of server: String, in entry: PartitionMap.Partition) {
        let chain = entry.chain
        epoch = entry.epoch
        followers = entry.followers.count
        if let index = chain.firstIndex(of: server) {
            role = index == 0 ? .head : .follower
            predecessor = index == 0 ? nil : chain[index - 1]
            if index + 1 < chain.count {
                successor = chain[index + 1]
            } else if !entry.joining.isEmpty {
                successor = entry.joining
                isSuccessorJoining = true
            }
        } else if entry.joining == server {
            role = .joining
            predecessor = chain.last
        } else {
            return nil
        }
    }
}
