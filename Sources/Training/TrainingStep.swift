public import ParameterServer

/// A step that was taken, for those who watch.
public struct TrainingStep: Sendable, Hashable {
    /// Its number, from the trainer's first on.
    public var number: Int
    /// The mean loss of its batch, before the step.
    public var loss: Float
    /// The examples of its batch.
    public var examples: Int
    /// How long it took, from the pull to the last answer.
    public var duration: Duration
    /// The most steps of others that a partition had applied between its pull and its push.
    public var staleness: UInt64
    /// What left when, where gradients leave while others are still being computed.
    public var timeline: StepTimeline?
    /// Whether the step came too late for its round and was not applied; see ``/ParameterServer/Consistency``.
    public var isLate = false
}
