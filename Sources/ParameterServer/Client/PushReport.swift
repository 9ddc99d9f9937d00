import Coordination

/// What became of a step, partition by partition: a step is atomic in each partition and not across them.
public struct PushReport: Sendable {
    /// A push that was applied.
    public struct Acknowledgement: Sendable, Hashable {
        /// Which push.
        public var push: PushIdentity
        /// The partition's version after it.
        public var version: PartitionVersion
        /// What it survives.
        public var durability: Durability
        /// The pushes of others that were applied between the pull and this push.
        public var staleness: UInt64
        /// True if an earlier attempt had applied it.
        public var isReplay: Bool
    }

    /// A push that changed nothing by its table's policy: ``TableDeclaration/NonFinitePolicy/skip``.
    public struct Skip: Sendable, Hashable {
        /// Which push.
        public var push: PushIdentity
        /// What is wrong with its gradient.
        public var reason: String
    }

    /// A push that was not applied, or of which nobody knows.
    public struct Failure: Sendable {
        /// Which push.
        public var push: PushIdentity
        /// Why. `nonFinite`, `shapeMismatch`, `dtypeMismatch`, `malformedRequest`, `rowOutOfRange`, `rowsFull`,
        /// `rolledBack`, `late`, `functionFailed` and `answerTooLarge` say that it was not applied. `unconfirmed` says
        /// that it was and may yet be lost, `roundStalled` that it is applied when its round is closed. Any other
        /// leaves it open, as an attempt before the last may have been.
        public var error: ParameterServerError
    }

    /// The pushes that were applied, in the order of servers.
    public internal(set) var acknowledged: [Acknowledgement] = []
    /// The pushes that were passed over, as their tables have it: no failures, and nothing changed.
    public internal(set) var skipped: [Skip] = []
    /// The others.
    public internal(set) var failed: [Failure] = []

    /// Which of the session's acknowledged pushes are lost, of this step or an earlier one, in the partitions that
    /// refused their share with `rolledBack`. Told once: after the next pull the session goes on with what stands.
    public internal(set) var rolledBack: [RollBack] = []

    /// The bytes of the step's gradients, and of the keys of rows, as they left; attempts after the first are not
    /// counted.
    public internal(set) var byteCount = 0

    /// With bounded staleness, why some partitions that the step has no gradient for were not told of it: others may
    /// wait for this worker there until its next step. `nil` if all were.
    public internal(set) var tickFailure: ParameterServerError?

    /// Whether the step came too late for its round, in every partition that takes rounds, and was not applied there:
    /// pull, and go on.
    public internal(set) var isLate = false

    /// What partitions that went back have kept of the session's pushes, and since when.
    var standing: [PartitionID: (sequences: SequenceSet, epoch: UInt64)] = [:]

    /// What functions have answered.
    var answers: [PartitionID: [UInt8]] = [:]

    /// A report of no push.
    public init() {}

    /// Takes in what became of another part of the step.
    mutating func add(_ part: PushReport) {
        acknowledged += part.acknowledged
        skipped += part.skipped
        failed += part.failed
        byteCount += part.byteCount
        rolledBack += part.rolledBack
        standing.merge(part.standing) { $1 }
        answers.merge(part.answers) { $1 }
    }

    /// The pushes that were not applied, and never will be.
    var refused: Set<PushIdentity> {
        Set(
            failed.lazy.filter { failure in
                switch failure.error.code {
                case .nonFinite, .shapeMismatch, .dtypeMismatch, .malformedRequest, .rowOutOfRange, .rowsFull,
                    .rolledBack, .late:
                    true
                default: false
                }
            }.map(\.push))
    }

    /// The largest staleness of a push of the step.
    public var staleness: UInt64 { acknowledged.map(\.staleness).max() ?? 0 }
}
