/// What a process authenticates with, and whom it trusts, at one moment.
public struct IdentitySnapshot: Sendable, Hashable {
    /// The process's own certificate and key.
    public let svid: WorkloadIdentity
    /// The roots that its peers' certificates must lead to.
    public let bundle: TrustBundle
    /// What is not trusted any more although its certificates are still good.
    public let denyList: DenyList
    /// Counts the changes of any of them, from 1; a connection remembers the generation that it was made with.
    public let generation: UInt64

    /// Makes a snapshot; a source counts the generations.
    public init(svid: WorkloadIdentity, bundle: TrustBundle, denyList: DenyList = .empty, generation: UInt64) {
        self.svid = svid
        self.bundle = bundle
        self.denyList = denyList
        self.generation = generation
    }
}

/// Where a process's identity comes from: fixed, rotated by a mesh's authority, or an agent's.
///
/// Rotation reaches new connections because each takes ``current`` anew; whoever holds old ones asks to be told with
/// ``onChange(_:)``.
public protocol IdentitySource: Sendable {
    /// The identity in force. Synchronous and cheap: it is read for every connection.
    var current: IdentitySnapshot { get }

    /// Calls `handler` after each change of ``current``, until the observation is cancelled or released.
    ///
    /// The handler is called on the thread that made the change, must be short, and reads ``current`` itself: two
    /// changes at once may be told in either order, and the second reading is right in both.
    func onChange(_ handler: @escaping @Sendable () -> Void) -> IdentityObservation
}

/// A registration with an ``IdentitySource``: it ends when it is cancelled or released.
public final class IdentityObservation: Sendable {
    private let onCancel: @Sendable () -> Void

    /// Makes a registration whose end is `onCancel`, which may be called more than once.
    public init(onCancel: @escaping @Sendable () -> Void) {
        self.onCancel = onCancel
    }

    /// Ends the registration. A call of the handler that is under way finishes; none begins afterwards.
    public func cancel() {
        onCancel()
    }

    deinit {
        onCancel()
    }
}
