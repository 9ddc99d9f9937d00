public import MeshWire

/// The pushes of one session that one partition has applied.
public struct AppliedPushes: Sendable, Hashable {
    /// The partition.
    public var partition: PartitionID
    /// The sequence numbers.
    public var sequences: SequenceSet

    /// Makes an entry.
    public init(partition: PartitionID, sequences: SequenceSet) {
        self.partition = partition
        self.sequences = sequences
    }
}

extension AppliedPushes: MeshMessage {
    /// `meshwork.coordination.AppliedPushes`.
    public static let messageName = "meshwork.coordination.AppliedPushes"

    /// Reads the entry.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(partition: PartitionID(rawValue: 0), sequences: SequenceSet())
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: sequences = try decoder.message()
            default: break
            }
        }
    }

    /// Writes the entry.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.message(2, sequences)
    }
}

extension [AppliedPushes] {
    /// The first entries, as many as a message of so many bytes has room for.
    package func fitting(bytes: Int) -> ArraySlice<AppliedPushes> {
        var room = bytes
        let end = firstIndex { entry in
            room -= 32 + 20 * entry.sequences.runs.count
            return room < 0
        }
        return self[..<(end ?? endIndex)]
    }
}

/// What a coordinator tells a server when sessions begin or end.
package struct FenceOrder: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.FenceOrder"

    package var fence: SessionFence
    /// The session whose applied pushes are asked for.
    package var reportOn: SessionID?

    package init(fence: SessionFence, reportOn: SessionID?) {
        self.fence = fence
        self.reportOn = reportOn
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(fence: SessionFence(), reportOn: nil)
        while let field = try decoder.nextField() {
            switch field {
            case 1: fence = try decoder.message()
            case 2: reportOn = try decoder.message(SessionReference.self).session
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, fence)
        if let reportOn { encoder.message(2, SessionReference(reportOn)) }
    }
}

/// What a server's partitions have applied of the session that it was asked about. Given after the fence is in force:
/// no push of that session is applied any more.
package struct FenceReport: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.FenceReport"

    package var applied: [AppliedPushes]
    /// Whether there are partitions beside these, for which the message has no room.
    package var isCut = false

    package init(applied: [AppliedPushes]) { self.applied = applied }

    /// A report that takes so many bytes at most.
    package init(applied: [AppliedPushes], bytes: Int) {
        self.applied = Array(applied.fitting(bytes: bytes))
        isCut = self.applied.count < applied.count
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        applied = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: applied.append(try decoder.message())
            case 2: isCut = try decoder.bool()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        for pushes in applied { encoder.message(1, pushes) }
        encoder.bool(2, isCut)
    }
}
