import Synchronization

/// The dynamic configuration that a mesh goes by now. Safe from any thread.
///
/// Who uses it keeps a snapshot and compares its number with ``number`` at each call, which is one relaxed load; only where
/// they differ is the new one asked for, under a lock. Who has to act when nobody calls, observes.
final class ConfigurationInForce: Sendable {
    /// Is told of a change, in the order in which changes are made: the snapshot before, and the one that is in force.
    typealias Observer = @Sendable (ConfigurationSnapshot, ConfigurationSnapshot) -> Void

    private struct State {
        var snapshot: ConfigurationSnapshot
        var observers: [UInt64: Observer] = [:]
        var last: UInt64 = 0
    }

    private let state: Mutex<State>
    private let newest: Atomic<UInt64>
    /// Held while a change is made: changes come one after the other.
    private let changing = Mutex(())

    /// - Throws: ``MeshError/Code/invalidConfiguration`` that lists every problem.
    init(_ configuration: DynamicConfiguration) throws(MeshError) {
        let snapshot = try ConfigurationSnapshot(configuration)
        newest = Atomic(snapshot.number)
        state = Mutex(State(snapshot: snapshot))
    }

    /// The number of the snapshot that is in force. Whoever finds another one than its own takes ``current``, and keeps the
    /// number of what it got, so that the order of the two loads does not matter.
    var number: UInt64 { newest.load(ordering: .relaxed) }

    /// What is in force.
    var current: ConfigurationSnapshot { state.withLock { $0.snapshot } }

    /// A change that was made.
    struct Change: Sendable {
        let new: ConfigurationSnapshot
        /// The properties that are different.
        let names: [String]
    }

    /// Changes what is in force, at once for all; who observes is told before it returns.
    ///
    /// - Parameter body: must not change it in turn.
    /// - Returns: what has changed, if anything has.
    /// - Throws: ``MeshError/Code/invalidConfiguration``; what was in force stays.
    func change(_ body: (inout DynamicConfiguration) -> Void) throws(MeshError) -> Change? {
        try changing.withLock { _ throws(MeshError) in
            let old = current
            var configuration = old.configuration
            body(&configuration)
            guard configuration != old.configuration else { return nil }
            let new = try ConfigurationSnapshot(configuration, after: old)
            let observers = state.withLock { state in
                state.snapshot = new
                return state.observers.sorted { $0.key < $1.key }.map(\.value)
            }
            newest.store(new.number, ordering: .relaxed)
            for observer in observers { observer(old, new) }
            return Change(new: new, names: configuration.changes(from: old.configuration))
        }
    }

    /// Calls `observer` after each change, on the thread that made it.
    ///
    /// - Returns: a number to end it with.
    func observe(_ observer: @escaping Observer) -> UInt64 {
        state.withLock { state in
            state.last += 1
            state.observers[state.last] = observer
            return state.last
        }
    }

    /// Ends an observation.
    func forget(_ number: UInt64) { state.withLock { _ = $0.observers.removeValue(forKey: number) } }
}
