import MeshWire

/// What a server of a partition's chain asks the coordinator to change of it. Each is made under the condition that the
/// partition is in the epoch that the server knows.
package enum ChainChange: Sendable, Hashable {
    /// A follower leaves: records do not reach it. Raises the epoch.
    case drop(String)
    /// The server that is joining, in this life, has all that the chain has, and becomes its last follower. Raises the
    /// epoch. It may be the head the moment that this is made: whoever asks acknowledges nothing from then on, until it
    /// has the answer, that the joining server does not have.
    case join(String, life: UInt64)
    /// The server that is joining is given up; another, or the same, is chosen later.
    case abandon(String)
    /// The server that is joining cannot hold the partition; this life of it is not chosen again.
    case refuse(String)
}

/// A ``ChainChange`` on its way to the coordinator.
struct ChainRequest: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.ChainRequest"

    var partition: PartitionID
    /// The epoch in which the chain is to be changed.
    var epoch: UInt64
    var change: ChainChange
    /// The name of the server that asks.
    var server: String

    init(partition: PartitionID, epoch: UInt64, change: ChainChange, server: String) {
        self.partition = partition
        self.epoch = epoch
        self.change = change
        self.server = server
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        var (partition, epoch, kind, life) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        var (subject, server) = ("", "")
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = try decoder.uint64()
            case 2: epoch = try decoder.uint64()
            case 3: kind = try decoder.uint64()
            case 4: subject = try decoder.string()
            case 5: life = try decoder.fixed64()
            case 6: server = try decoder.string()
            default: break
            }
        }
        let change: ChainChange =
            switch kind {
            case 1: .drop(subject)
            case 2: .join(subject, life: life)
            case 3: .abandon(subject)
            case 4: .refuse(subject)
            default: throw WireError(.malformed, "change number \(kind) of a chain is not known")
            }
        self.init(partition: PartitionID(rawValue: partition), epoch: epoch, change: change, server: server)
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.uint64(2, epoch)
        switch change {
        case .drop(let follower):
            encoder.uint64(3, 1)
            encoder.string(4, follower)
        case .join(let joining, let life):
            encoder.uint64(3, 2)
            encoder.string(4, joining)
            encoder.fixed64(5, life)
        case .abandon(let joining):
            encoder.uint64(3, 3)
            encoder.string(4, joining)
        case .refuse(let joining):
            encoder.uint64(3, 4)
            encoder.string(4, joining)
        }
        encoder.string(6, server)
    }
}

/// What became of a ``ChainRequest``.
struct ChainAnswer: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.ChainAnswer"

    /// The partition's entry now.
    var entry: PartitionMap.Partition
    /// Whether the change was made; if not, another was before it.
    var isMade: Bool

    init(entry: PartitionMap.Partition, isMade: Bool) {
        self.entry = entry
        self.isMade = isMade
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        var entry: PartitionMap.Partition?
        var isMade = false
        while let field = try decoder.nextField() {
            switch field {
            case 1: entry = try decoder.message()
            case 2: isMade = try decoder.bool()
            default: break
            }
        }
        guard let entry else { throw WireError(.malformed, "the answer to a chain's change has no partition") }
        self.init(entry: entry, isMade: isMade)
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, entry)
        encoder.bool(2, isMade)
    }
}
