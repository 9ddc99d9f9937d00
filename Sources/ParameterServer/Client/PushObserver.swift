public import Coordination
public import MeshWire

/// One push by name: what a note of it, kept where the worker's end cannot reach, consists of.
public struct PushIdentity: Sendable, Hashable {
    /// The session that makes it.
    public var session: SessionID
    /// The partition's number.
    public var partition: PartitionID
    /// The partition's table and index.
    public var name: PartitionName
    /// The session's count of pushes to the partition.
    public var sequence: UInt64
}

/// Watches the pushes of a client, for an audit that does not rest on the servers' word.
public struct PushObserver: Sendable {
    /// Called before the first attempt of a step's pushes leaves, with all of them; the step waits for it and does not
    /// leave if it throws.
    public var beforeFirstAttempt: @Sendable ([PushIdentity]) async throws -> Void
    /// Called with the pushes of which the client holds the answer that they were applied.
    public var afterAcknowledgement: @Sendable ([PushIdentity]) async -> Void

    /// Makes an observer.
    public init(
        beforeFirstAttempt: @escaping @Sendable ([PushIdentity]) async throws -> Void = { _ in },
        afterAcknowledgement: @escaping @Sendable ([PushIdentity]) async -> Void = { _ in }
    ) {
        self.beforeFirstAttempt = beforeFirstAttempt
        self.afterAcknowledgement = afterAcknowledgement
    }
}
