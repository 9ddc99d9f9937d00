import Coordination
import MeshWire

/// Has a server write files of a checkpoint: those of partitions that it heads.
struct CheckpointOrder: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.CheckpointOrder"

    /// A partition, and where it is in the manifest: which table, and which part of it.
    struct Entry: MeshMessage, Hashable {
        static let messageName = "meshwork.parameters.CheckpointOrderEntry"

        var partition: PartitionID
        var table: Int
        var index: Int

        init(partition: PartitionID, table: Int, index: Int) {
            self.partition = partition
            self.table = table
            self.index = index
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(partition: PartitionID(rawValue: 0), table: 0, index: 0)
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: table = try decoder.count()
                case 3: index = try decoder.count()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.uint64(2, UInt64(table))
            encoder.uint64(3, UInt64(index))
        }
    }

    var step: UInt64
    var entries: [Entry]

    init(step: UInt64, entries: [Entry]) {
        self.step = step
        self.entries = entries
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(step: 0, entries: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: step = try decoder.uint64()
            case 2: entries.append(try decoder.message())
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, step)
        for entry in entries { encoder.message(2, entry) }
    }
}

/// What a server has written, in the order of the request.
struct CheckpointAnswer: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.CheckpointAnswer"

    var partitions: [CheckpointManifest.Partition]

    init(_ partitions: [CheckpointManifest.Partition]) { self.partitions = partitions }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        partitions = []
        while let field = try decoder.nextField() {
            if field == 1 { partitions.append(try decoder.message(CheckpointFileMessage.self).partition) }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for partition in partitions { encoder.message(1, CheckpointFileMessage(partition: partition)) }
    }
}

/// Has a server look at files of a checkpoint, or go back to them.
struct RestoreOrder: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.RestoreOrder"

    /// A partition here, and the file that it goes back to.
    struct Entry: MeshMessage, Hashable {
        static let messageName = "meshwork.parameters.RestoreOrderEntry"

        /// The partition's number now, with the file's places.
        var place: CheckpointOrder.Entry
        var file: CheckpointManifest.Partition

        init(place: CheckpointOrder.Entry, file: CheckpointManifest.Partition) {
            self.place = place
            self.file = file
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            var place: CheckpointOrder.Entry?
            var file: CheckpointFileMessage?
            while let field = try decoder.nextField() {
                switch field {
                case 1: place = try decoder.message()
                case 2: file = try decoder.message()
                default: break
                }
            }
            guard let place, let file else { throw WireError(.malformed, "a restore without a place or a file") }
            self.init(place: place, file: file.partition)
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.message(1, place)
            encoder.message(2, CheckpointFileMessage(partition: file))
        }
    }

    var step: UInt64
    /// Random bits that make the request recognisable when it arrives twice.
    var request: UInt64
    /// False to look at the files alone.
    var loads: Bool
    var entries: [Entry]

    init(step: UInt64, request: UInt64, loads: Bool, entries: [Entry]) {
        self.step = step
        self.request = request
        self.loads = loads
        self.entries = entries
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(step: 0, request: 0, loads: false, entries: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: step = try decoder.uint64()
            case 2: request = try decoder.fixed64()
            case 3: loads = try decoder.bool()
            case 4: entries.append(try decoder.message())
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, step)
        encoder.fixed64(2, request)
        encoder.bool(3, loads)
        for entry in entries { encoder.message(4, entry) }
    }
}

/// What became of the partitions of a request that loads, in its order; nothing for one that looks.
struct RestoreAnswer: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.RestoreAnswer"

    var partitions: [RestoredPartition]

    init(_ partitions: [RestoredPartition]) { self.partitions = partitions }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        partitions = []
        while let field = try decoder.nextField() {
            if field == 1 { partitions.append(try decoder.message()) }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for partition in partitions { encoder.message(1, partition) }
    }
}

/// A partition's file as a message. Sessions are in it where they go to a manifest.
private struct CheckpointFileMessage: MeshMessage {
    static let messageName = "meshwork.parameters.CheckpointFile"

    var partition: CheckpointManifest.Partition

    init(partition: CheckpointManifest.Partition) { self.partition = partition }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        partition = CheckpointManifest.Partition(
            id: PartitionID(rawValue: 0), version: PartitionVersion(epoch: 0, applied: 0), counter: 0, byteCount: 0,
            checksum: 0, sessions: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition.id = PartitionID(rawValue: try decoder.uint64())
            case 2: partition.version = try decoder.message()
            case 3: partition.counter = try decoder.int64()
            case 4: partition.byteCount = try decoder.int64()
            case 5: partition.checksum = try decoder.uint32()
            case 6: partition.sessions.append(try decoder.message(CheckpointSessionMessage.self).session)
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.id.rawValue)
        encoder.message(2, partition.version)
        encoder.int64(3, partition.counter)
        encoder.int64(4, partition.byteCount)
        encoder.uint32(5, partition.checksum)
        for session in partition.sessions { encoder.message(6, CheckpointSessionMessage(session: session)) }
    }
}

private struct CheckpointSessionMessage: MeshMessage {
    static let messageName = "meshwork.parameters.CheckpointSession"

    var session: CheckpointManifest.Session

    init(session: CheckpointManifest.Session) { self.session = session }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        session = CheckpointManifest.Session(
            session: SessionID(high: 0, low: 0), slot: 0, applied: SequenceSet())
        while let field = try decoder.nextField() {
            switch field {
            case 1: session.session = try decoder.message(SessionReference.self).session
            case 2: session.slot = try decoder.count()
            case 3: session.applied = try decoder.message()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session.session))
        encoder.uint64(2, UInt64(session.slot))
        encoder.message(3, session.applied)
    }
}
