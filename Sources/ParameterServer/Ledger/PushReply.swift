package import Coordination
package import MeshWire

/// A partition's answer to one push.
package struct PushReply: Sendable, Hashable {
    /// What became of the push.
    package enum Outcome: Sendable, Hashable {
        /// It changed the parameters, this once.
        case applied
        /// It changed nothing, as the table's policy has it, and training goes on; with what is wrong with the
        /// gradient.
        case skipped(String)
        /// It changed nothing.
        case refused(ParameterServerError.Code, String)
    }

    package var partition: PartitionID
    package var outcome: Outcome
    /// The partition's version after the push.
    package var version: PartitionVersion
    package var durability: Durability
    /// The pushes of others that were applied between the pull that the gradient is of and this push.
    package var staleness: UInt64
    /// True if the push had been answered before and this is that answer.
    package var isReplay = false
    /// What stands of the session's pushes in a partition that went back; `nil` in other answers.
    package var standing: SequenceSet?
    /// The clock of the push's slot in this partition after it; 0 where it has none.
    package var clock: UInt64 = 0
    /// What a function has answered; `nil` where a gradient was pushed.
    package var answer: [UInt8]?

    package init(
        partition: PartitionID, outcome: Outcome, version: PartitionVersion, durability: Durability = .memory,
        staleness: UInt64 = 0
    ) {
        self.partition = partition
        self.outcome = outcome
        self.version = version
        self.durability = durability
        self.staleness = staleness
    }

    /// A refusal by whom the partition's version is not known.
    init(refusing partition: PartitionID, _ code: ParameterServerError.Code, _ message: String) {
        self.init(
            partition: partition, outcome: .refused(code, message), version: PartitionVersion(epoch: 0, applied: 0))
    }
}

extension PushReply: MeshMessage {
    package static let messageName = "meshwork.parameters.PushReply"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            partition: PartitionID(rawValue: 0), outcome: .applied, version: PartitionVersion(epoch: 0, applied: 0))
        durability = Durability(rawValue: 0)
        var code: UInt32 = 0
        var message = ""
        var isSkipped = false
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: code = try decoder.uint32()
            case 3: message = try decoder.string()
            case 4: version = try decoder.message()
            case 5: durability = Durability(rawValue: try decoder.uint32())
            case 6: staleness = try decoder.uint64()
            case 7: isReplay = try decoder.bool()
            case 8: standing = try decoder.message()
            case 12: isSkipped = try decoder.bool()
            case 13: clock = try decoder.uint64()
            case 14: answer = try decoder.bytes()
            default: break
            }
        }
        if code != 0 {
            outcome = .refused(ParameterServerError.Code(rawValue: code), message)
        } else if isSkipped {
            outcome = .skipped(message)
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        var isSkipped = false
        switch outcome {
        case .applied: break
        case .skipped(let message):
            isSkipped = true
            encoder.string(3, message)
        case .refused(let code, let message):
            encoder.uint32(2, code.rawValue)
            encoder.string(3, message)
        }
        encoder.message(4, version)
        encoder.uint32(5, durability.rawValue)
        encoder.uint64(6, staleness)
        encoder.bool(7, isReplay)
        if let standing { encoder.message(8, standing) }
        encoder.bool(12, isSkipped)
        encoder.uint64(13, clock)
        if let answer { encoder.bytes(14, answer) }
    }
}
