import Coordination
import MeshWire

/// Asks for the parameters of partitions of one server.
struct PullRequest: MeshMessage {
    static let messageName = "meshwork.parameters.PullRequest"

    /// A partition, and the version that it must have reached.
    struct Entry: MeshMessage, Hashable {
        static let messageName = "meshwork.parameters.PullEntry"

        var partition: PartitionID
        var minimum: PartitionVersion
        /// The round that it must have closed, of a table that has rounds; else 0.
        var round: UInt64
        /// Whether what is shown must be committed.
        var isCommitted: Bool
        /// The snapshot that is to be read, as it has the partition: see ``SnapshotRequest``.
        var snapshot: UInt64?
        /// How the values are to come: a ``GradientEncoding`` of 16 bits or none, known here or not.
        var encoding: UInt32 = 0

        init(
            partition: PartitionID, minimum: PartitionVersion, round: UInt64 = 0, isCommitted: Bool = false,
            snapshot: UInt64? = nil
        ) {
            self.partition = partition
            self.minimum = minimum
            self.round = round
            self.isCommitted = isCommitted
            self.snapshot = snapshot
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(partition: PartitionID(rawValue: 0), minimum: PartitionVersion(epoch: 0, applied: 0))
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: minimum = try decoder.message()
                case 3: round = try decoder.uint64()
                case 11: encoding = try decoder.uint32()
                case 12: isCommitted = try decoder.bool()
                case 13: snapshot = try decoder.fixed64()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.message(2, minimum)
            encoder.uint64(3, round)
            encoder.uint32(11, encoding)
            encoder.bool(12, isCommitted)
            if let snapshot { encoder.fixed64(13, snapshot) }
        }
    }

    var entries: [Entry]
    /// The keys of the rows that are asked for, uint64: one an entry, and empty where its table is dense; none at all
    /// where all are.
    var keys: [Segment]
    /// How far the other workers must be, of a pull of bounded staleness.
    var bound: ClockBound?

    init(_ entries: [Entry], keys: [Segment] = [], bound: ClockBound? = nil) {
        self.entries = entries
        self.bound = bound
        self.keys = keys
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init([])
        while let field = try decoder.nextField() {
            switch field {
            case 1: entries.append(try decoder.message())
            case 2: keys.append(try decoder.segment())
            case 10: bound = try decoder.message()
            default: break
            }
        }
        guard keys.isEmpty || keys.count == entries.count else {
            throw WireError(.malformed, "\(entries.count) pulls with \(keys.count) lists of keys")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for entry in entries { encoder.message(1, entry) }
        if let bound { encoder.message(10, bound) }
        for segment in keys { encoder.segment(2, segment) }
    }
}

/// The parameters of each partition of a request, in its order.
struct PullResponse: MeshMessage {
    static let messageName = "meshwork.parameters.PullResponse"

    var versions: [PartitionVersion]
    /// The parameters, float32 unless the entry asked for another encoding, one a version: those of the partition, or
    /// the rows in the order of their keys.
    var parameters: [Segment]
    /// Where a table has rounds, one a version: one more than the last round that is in the parameters; 0 where that is
    /// not known, or the table has none.
    var rounds: [UInt64] = []

    init(versions: [PartitionVersion] = [], parameters: [Segment] = []) {
        self.versions = versions
        self.parameters = parameters
    }

    /// The last round that is in an entry's parameters.
    func round(ofEntry index: Int) -> UInt64? { index < rounds.count && rounds[index] > 0 ? rounds[index] - 1 : nil }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            switch field {
            case 1: versions.append(try decoder.message())
            case 2: parameters.append(try decoder.segment())
            case 3: try decoder.packed(into: &rounds)
            default: break
            }
        }
        guard versions.count == parameters.count else {
            throw WireError(.malformed, "\(versions.count) versions with \(parameters.count) parameters")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for version in versions { encoder.message(1, version) }
        if rounds.contains(where: { $0 > 0 }) { encoder.packed(3, rounds) }
        for segment in parameters { encoder.segment(2, segment) }
    }
}

/// The accounts of all partitions of a server.
struct AuditResponse: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.AuditResponse"

    var accounts: [PartitionAccount]

    /// The bytes of one of several messages with the accounts of a server.
    static let partBytes = 96 << 10

    init(_ accounts: [PartitionAccount]) { self.accounts = accounts }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        accounts = []
        while let field = try decoder.nextField() {
            if field == 1 { accounts.append(try decoder.message()) }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for account in accounts { encoder.message(1, account) }
    }
}
