import Synchronization

/// An identity that a rotation loop replaces while the process runs.
///
/// Guarded by one mutex, which is not held while handlers run; they are called in the order of their registration.
public final class RotatableIdentity: IdentitySource {
    private struct State {
        var current: IdentitySnapshot
        var nextObserver: UInt64 = 0
        /// In the order of registration.
        var observers: [(id: UInt64, handler: @Sendable () -> Void)] = []
    }

    /// Shared with the observations, which may outlive the source.
    private final class Guarded: Sendable {
        let state: Mutex<State>

        init(_ state: sending State) {
            self.state = Mutex(state)
        }
    }

    private let guarded: Guarded

    /// Makes a source whose first identity has generation 1.
    public init(svid: WorkloadIdentity, bundle: TrustBundle) {
        self.guarded = Guarded(State(current: IdentitySnapshot(svid: svid, bundle: bundle, generation: 1)))
    }

    /// The identity in force.
    public var current: IdentitySnapshot {
        guarded.state.withLock { $0.current }
    }

    /// Puts an identity in force and tells every observer; what is nil stays as it is, and so does the deny list where the
    /// new one has no higher version: lists may arrive in any order, and none takes back what a later one says.
    public func set(svid: WorkloadIdentity? = nil, bundle: TrustBundle? = nil, denyList: DenyList? = nil) {
        change { _ in (svid, bundle, denyList) }
    }

    /// Replaces what `next` says, and tells the observers if that is anything.
    @discardableResult
    private func change<Failure: Error>(
        _ next: (IdentitySnapshot) throws(Failure) -> (WorkloadIdentity?, TrustBundle?, DenyList?)
    ) throws(Failure) -> Bool {
        let handlers = try guarded.state.withLock { state throws(Failure) -> [@Sendable () -> Void]? in
            let (svid, bundle, denyList) = try next(state.current)
            var denied = state.current.denyList
            if let denyList, denyList.version > denied.version { denied = denyList }
            // Nobody is to make connections anew for nothing.
            guard svid != nil || bundle != nil || denied != state.current.denyList else { return nil }
            state.current = IdentitySnapshot(
                svid: svid ?? state.current.svid, bundle: bundle ?? state.current.bundle, denyList: denied,
                generation: state.current.generation + 1)
            return state.observers.map(\.handler)
        }
        guard let handlers else { return false }
        for handler in handlers { handler() }
        return true
    }

    /// Puts what a mesh's authority says in force: a certificate, a newer bundle of one domain beside those of others, a
    /// newer deny list. What is older than what is in force, or says the same, changes nothing.
    ///
    /// - Returns: whether anything has changed.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle`` when the bundles together are too
    ///   many; nothing has changed then.
    @discardableResult
    public func adopt(
        _ domain: TrustDomainBundle, svid: WorkloadIdentity? = nil, denyList: DenyList? = nil
    ) throws(IdentityError) -> Bool {
        try change { current throws(IdentityError) in
            (svid == current.svid ? nil : svid, try current.bundle.adopting(domain), denyList)
        }
    }

    /// Puts a certificate and its domain's bundle in force together, beside whatever else has changed meanwhile.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/staleTrustBundle`` when a later bundle is in force, or
    ///   ``IdentityError/Code/invalidTrustBundle``; nothing has changed then.
    package func replace(svid: WorkloadIdentity, bundle domain: TrustDomainBundle) throws(IdentityError) {
        try change { current throws(IdentityError) in
            var bundle: TrustBundle?
            if current.bundle[domain.trustDomain] != domain {
                bundle = try current.bundle.replacing(domain, generation: current.bundle.generation + 1)
            }
            return (svid == current.svid ? nil : svid, bundle, nil)
        }
    }

    /// Calls `handler` after each ``set(svid:bundle:denyList:)``, on the caller's thread.
    public func onChange(_ handler: @escaping @Sendable () -> Void) -> IdentityObservation {
        let id = guarded.state.withLock { state in
            state.nextObserver += 1
            state.observers.append((state.nextObserver, handler))
            return state.nextObserver
        }
        return IdentityObservation { [guarded] in
            guarded.state.withLock { state in state.observers.removeAll { $0.id == id } }
        }
    }
}
