import Coordination
import MeshWire

/// The pushes of one session for partitions of one server. Each has its own sequence number, in the call's
/// deduplication, and is answered by itself.
struct PushRequest: MeshMessage {
    static let messageName = "meshwork.parameters.PushRequest"

    /// One partition's share of the step; its gradient is the segment in the same place.
    struct Entry: MeshMessage, Hashable {
        static let messageName = "meshwork.parameters.PushEntry"

        var partition: PartitionID
        /// What the partition adds to its audit counter.
        var increment: Int64
        /// The version that the gradient was computed from.
        var basis: PartitionVersion
        /// The round that it is for, of a table that has rounds; else 0.
        var round: UInt64
        /// The steps that the worker has finished with this one, where it trains with bounded staleness; else 0.
        var clock: UInt64 = 0
        /// How the gradient's bytes are to be read: a ``GradientEncoding``, known here or not.
        var encoding: UInt32 = 0

        init(partition: PartitionID, increment: Int64, basis: PartitionVersion, round: UInt64 = 0) {
            self.partition = partition
            self.increment = increment
            self.basis = basis
            self.round = round
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(
                partition: PartitionID(rawValue: 0), increment: 0, basis: PartitionVersion(epoch: 0, applied: 0))
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: increment = try decoder.int64()
                case 3: basis = try decoder.message()
                case 4: round = try decoder.uint64()
                case 10: clock = try decoder.uint64()
                case 11: encoding = try decoder.uint32()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.int64(2, increment)
            encoder.message(3, basis)
            encoder.uint64(4, round)
            encoder.uint64(10, clock)
            encoder.uint32(11, encoding)
        }
    }

    /// The slot of the session that pushes.
    var slot: Int
    var entries: [Entry]
    /// The gradients, one an entry, float32 unless it says otherwise: of the partition's elements, or of rows in the
    /// order of their keys.
    var gradients: [Segment]
    /// The keys of the rows that the gradients name, uint64: one an entry, and empty where its table is dense; none at
    /// all where all are. They ascend, each once.
    var keys: [Segment]

    init(slot: Int, entries: [Entry] = [], gradients: [Segment] = [], keys: [Segment] = []) {
        self.slot = slot
        self.entries = entries
        self.gradients = gradients
        self.keys = keys
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: entries.append(try decoder.message())
            case 3: gradients.append(try decoder.segment())
            case 4: keys.append(try decoder.segment())
            default: break
            }
        }
        guard entries.count == gradients.count else {
            throw WireError(.malformed, "\(entries.count) pushes with \(gradients.count) gradients")
        }
        guard keys.isEmpty || keys.count == entries.count else {
            throw WireError(.malformed, "\(entries.count) pushes with \(keys.count) lists of keys")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        for entry in entries { encoder.message(2, entry) }
        for gradient in gradients { encoder.segment(3, gradient) }
        for segment in keys { encoder.segment(4, segment) }
    }
}

/// An answer to each push of a request, in its order.
struct PushResponse: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.PushResponse"

    var replies: [PushReply]

    init(_ replies: [PushReply]) { self.replies = replies }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        replies = []
        while let field = try decoder.nextField() {
            if field == 1 { replies.append(try decoder.message()) }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for reply in replies { encoder.message(1, reply) }
    }
}
