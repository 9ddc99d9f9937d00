import Coordination
import MeshWire

/// Has a server keep partitions that it heads as they are, so that all reads of them are of one moment.
struct SnapshotRequest: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.SnapshotRequest"

    /// What is to be done with a snapshot.
    struct Verb: RawRepresentable, Sendable, Hashable {
        var rawValue: UInt32
        /// Keep these partitions in it too.
        static let keep = Verb(rawValue: 1)
        /// Keep it for another lease.
        static let renew = Verb(rawValue: 2)
        /// Let go of it.
        static let release = Verb(rawValue: 3)
    }

    var verb: Verb
    /// The snapshot's number, which whoever asked has drawn: among the snapshots of the same identity it is the only
    /// one.
    var number: UInt64
    /// For how long the server is to keep it without hearing of it again.
    var lease: Duration
    var partitions: [PartitionID]

    init(_ verb: Verb, _ number: UInt64, lease: Duration, partitions: [PartitionID]) {
        self.verb = verb
        self.number = number
        self.lease = lease
        self.partitions = partitions
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(Verb(rawValue: 0), 0, lease: .zero, partitions: [])
        var numbers: [UInt64] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: verb = Verb(rawValue: try decoder.uint32())
            case 2: number = try decoder.fixed64()
            case 3: lease = .microseconds(Int64(clamping: try decoder.uint64()))
            case 4: try decoder.packed(into: &numbers)
            default: break
            }
        }
        partitions = numbers.map { PartitionID(rawValue: $0) }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, verb.rawValue)
        encoder.fixed64(2, number)
        encoder.uint64(3, UInt64(max(0, lease.inMicroseconds)))
        encoder.packed(4, partitions.map(\.rawValue))
    }
}

/// What a snapshot has of the partitions of a request, in its order.
struct SnapshotResponse: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.SnapshotResponse"

    /// A partition, and the version that is kept of it: 0 of one that has been let go of.
    struct Entry: MeshMessage, Hashable, PartitionAnswer {
        static let messageName = "meshwork.parameters.SnapshotEntry"

        var partition: PartitionID
        var version: PartitionVersion
        var answeredPartition: PartitionID { partition }

        init(partition: PartitionID, version: PartitionVersion) {
            self.partition = partition
            self.version = version
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(partition: PartitionID(rawValue: 0), version: PartitionVersion(epoch: 0, applied: 0))
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: version = try decoder.message()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.message(2, version)
        }
    }

    var entries: [Entry]
    /// For how long the server keeps it from now on, which may be less than was asked for.
    var lease: Duration

    init(_ entries: [Entry], lease: Duration) {
        self.entries = entries
        self.lease = lease
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init([], lease: .zero)
        while let field = try decoder.nextField() {
            switch field {
            case 1: entries.append(try decoder.message())
            case 2: lease = .microseconds(Int64(clamping: try decoder.uint64()))
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for entry in entries { encoder.message(1, entry) }
        encoder.uint64(2, UInt64(max(0, lease.inMicroseconds)))
    }
}
