package import Coordination
package import MeshWire

/// What a member of a chain sends to the next one, about one of the partitions in which they are neighbours.
package struct ChainMessage: Sendable {
    /// What it sends.
    package enum Content: Sendable {
        /// It wants to send what follows the position at which the other stands; a joining server is sent a snapshot if it
        /// has nothing to go on from. A record of its log has at most `recordBytes`; 0 where it has none.
        case begin(isJoining: Bool, recordBytes: Int = 0)
        /// The next record.
        case record(PartitionRecord)
        /// A piece of a snapshot for a joining server, cut as those of a ``ServerLog``; the first has number 0.
        case piece(Segment, number: UInt64)
    }

    package var partition: PartitionID
    /// The epoch of the chain in which they are neighbours.
    package var epoch: UInt64
    package var content: Content
}

/// The last record that a member of a chain has executed, and with it all those before.
package struct ChainStanding: Sendable, Hashable {
    package var position: UInt64
    /// The epoch in which it was made.
    package var epoch: UInt64
}

/// What the next one answers.
package struct ChainReply: Sendable, Hashable {
    /// What it answers.
    package enum Content: Sendable, Hashable {
        /// It has all records up to this one, or has nothing.
        case stands(ChainStanding?)
        /// The tail has all records up to this position.
        case acknowledged(UInt64)
        /// The partition's chain is in this later epoch.
        case stale(UInt64)
    }

    package var partition: PartitionID
    /// The epoch of the chain in which they are neighbours.
    package var epoch: UInt64
    package var content: Content
}

extension ChainMessage: MeshMessage {
    package static let messageName = "meshwork.parameters.ChainMessage"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        // Those of a record are its own message's, so that its gradient is a segment.
        var record = decoder
        var partition: UInt64 = 0
        var (epoch, kind, isJoining) = (UInt64(0), UInt64(0), false)
        var piece: Segment?
        var (number, recordBytes) = (UInt64(0), UInt64(0))
        while let field = try decoder.nextField() {
            switch field {
            case 16: partition = try decoder.uint64()
            case 17: epoch = try decoder.uint64()
            case 18: kind = try decoder.uint64()
            case 19: isJoining = try decoder.bool()
            case 20: piece = try decoder.segment()
            case 21: number = try decoder.uint64()
            case 22: recordBytes = try decoder.uint64()
            default: break
            }
        }
        self.partition = PartitionID(rawValue: partition)
        self.epoch = epoch
        switch (kind, piece) {
        case (1, _): content = .begin(isJoining: isJoining, recordBytes: Int(clamping: recordBytes))
        case (2, _): content = .record(try PartitionRecord(from: &record))
        case (3, let piece?): content = .piece(piece, number: number)
        default: throw WireError(.malformed, "a chain's message of kind \(kind) says nothing that is known")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(16, partition.rawValue)
        encoder.uint64(17, epoch)
        switch content {
        case .begin(let isJoining, let recordBytes):
            encoder.uint64(18, 1)
            encoder.bool(19, isJoining)
            encoder.uint64(22, UInt64(recordBytes))
        case .record(let record):
            encoder.uint64(18, 2)
            record.encode(to: &encoder)
        case .piece(let piece, let number):
            encoder.uint64(18, 3)
            encoder.uint64(21, number)
            encoder.segment(20, piece)
        }
    }
}

extension ChainReply: MeshMessage {
    package static let messageName = "meshwork.parameters.ChainReply"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        var (partition, epoch) = (UInt64(0), UInt64(0))
        var (kind, position, hasNothing) = (UInt64(0), UInt64(0), false)
        var recordEpoch: UInt64 = 0
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = try decoder.uint64()
            case 2: epoch = try decoder.uint64()
            case 3: kind = try decoder.uint64()
            case 4: position = try decoder.uint64()
            case 5: hasNothing = try decoder.bool()
            case 6: recordEpoch = try decoder.uint64()
            default: break
            }
        }
        self.partition = PartitionID(rawValue: partition)
        self.epoch = epoch
        switch kind {
        case 1: content = .stands(hasNothing ? nil : ChainStanding(position: position, epoch: recordEpoch))
        case 2: content = .acknowledged(position)
        case 3: content = .stale(position)
        default: throw WireError(.malformed, "a chain's reply of kind \(kind) says nothing that is known")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.uint64(2, epoch)
        switch content {
        case .stands(let standing):
            encoder.uint64(3, 1)
            encoder.uint64(4, standing?.position ?? 0)
            encoder.bool(5, standing == nil)
            encoder.uint64(6, standing?.epoch ?? 0)
        case .acknowledged(let position):
            encoder.uint64(3, 2)
            encoder.uint64(4, position)
        case .stale(let epoch):
            encoder.uint64(3, 3)
            encoder.uint64(4, epoch)
        }
    }
}
