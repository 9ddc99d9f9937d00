/// Where a coordinator keeps what must outlive it.
///
/// Changes are numbered, and each is committed under the condition that the one before it is the last: of two
/// coordinators that write to one store, the one that has not seen the other's change is refused.
/// ```swift
/// var snapshot = try await store.load()
/// // Each change carries the version that it makes.
/// try await store.commit(change, ifVersion: snapshot.version)
/// snapshot.apply(change)
/// ```
public protocol CoordinationStore: Sendable {
    /// Everything that has been committed.
    ///
    /// - Throws: ``CoordinationError`` with `storeUnavailable` where trying again may help, `storeFailed` where it does not.
    func load() async throws(CoordinationError) -> CoordinatorSnapshot

    /// Keeps a change for good, if `version` is that of the last one; returns when a crash cannot take it any more.
    ///
    /// - Throws: ``CoordinationError`` with `versionConflict` if another change has been committed since, or is being,
    ///   `storeUnavailable` if nothing has been kept, `storeFailed` if nobody knows whether it has.
    func commit(_ change: CoordinatorChange, ifVersion version: UInt64) async throws(CoordinationError)
}

/// Keeps nothing: what there is lives as long as the coordinator.
struct MemoryStore: CoordinationStore {
    func load() async throws(CoordinationError) -> CoordinatorSnapshot { CoordinatorSnapshot() }

    func commit(_ change: CoordinatorChange, ifVersion version: UInt64) async throws(CoordinationError) {}
}
