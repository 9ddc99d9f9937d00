import MeshWire
import Synchronization

/// A coordinator's state, which changes only by what a store has kept.
///
/// Decisions are made one after the other on a copy; what those that wait at a time change is committed as one change,
/// and then applied for everybody to see and answered. When the store refuses, nothing has changed, and whoever decided
/// is told so. Guarded by a mutex that is not held while the store works; one task at a time commits, and lives while
/// somebody waits.
final class CommittedState: Sendable {
    /// Decides on a state; what it returns tells whoever asked, once it is known whether the change was kept.
    private typealias Decision = @Sendable (inout CoordinatorState) -> Verdict
    private typealias Verdict = @Sendable (CoordinationError?) -> Void

    private struct Shared {
        var state: CoordinatorState
        var waiting: [Decision] = []
        var isCommitting = false
    }

    /// How many decisions may wait at a time.
    private static let waitingLimit = 1_024

    private let store: any CoordinationStore
    private let runtime: any Runtime
    private let meter: CoordinatorMeter
    private let shared: Mutex<Shared>
    /// The map as it has been kept, for those who watch it.
    let maps: MapFeed

    init(
        _ state: CoordinatorState, _ store: any CoordinationStore, _ runtime: any Runtime, _ meter: CoordinatorMeter
    ) {
        self.meter = meter
        maps = MapFeed(state.map)
        meter.isNow(state.map)
        self.store = store
        self.runtime = runtime
        shared = Mutex(Shared(state: state))
    }

    /// Looks at what has been kept.
    func read<Result: Sendable>(_ body: (CoordinatorState) -> Result) -> Result {
        shared.withLock { body($0.state) }
    }

    /// Changes what nobody keeps: leases.
    func change<Result: Sendable>(
        _ body: (inout CoordinatorState) throws(CoordinationError) -> Result
    ) throws(CoordinationError) -> Result {
        try shared.withLock { (shared) throws(CoordinationError) in
            // A copy is changed: the closure's argument would leave the mutex's region.
            var state = shared.state
            defer { shared.state = state }
            return try body(&state)
        }
    }

    /// Decides, and returns when the store has what was decided.
    ///
    /// - Throws: what `body` throws, when everything before it is kept; ``CoordinationError`` with `limitReached` if too
    ///   many wait, `storeUnavailable` if nothing was kept, `storeFailed` or `versionConflict` as the store says, and
    ///   `storeUnavailable` too at the deadline, when it may still be kept: every method of the coordinator may be repeated.
    func commit<Result: Sendable>(
        until deadline: RuntimeInstant,
        _ body: @escaping @Sendable (inout CoordinatorState) throws(CoordinationError) -> Result
    ) async throws(CoordinationError) -> Result {
        let outcome = PendingOutcome<Swift.Result<Result, CoordinationError>>()
        let starts = try shared.withLock { (shared) throws(CoordinationError) in
            guard shared.waiting.count < Self.waitingLimit else {
                throw CoordinationError(
                    .limitReached, "\(Self.waitingLimit) changes wait for the coordinator's store; try again later")
            }
            shared.waiting.append { state in
                let result: Swift.Result<Result, CoordinationError>
                do throws(CoordinationError) { result = .success(try body(&state)) } catch { result = .failure(error) }
                return { failure in outcome.finish(failure.map { .failure($0) } ?? result) }
            }
            defer { shared.isCommitting = true }
            return !shared.isCommitting
        }
        if starts { runtime.spawn(on: runtime.taskExecutor) { await self.commit() } }
        let late = CoordinationError(
            .storeUnavailable, "the store has not answered in time; the change may still be kept, try again")
        return try await outcome.value(until: deadline, on: runtime, late: .failure(late)).get()
    }

    private func commit() async {
        while let (decisions, state) = takeDecisions() {
            var copy = state
            var verdicts: [Verdict] = []
            for decide in decisions {
                verdicts.append(decide(&copy))
                // A change has room for the tables of one call.
                if copy.declaresTables { break }
            }
            giveBack(decisions[verdicts.count...])
            let failure = await keep(copy.takeChange())
            for verdict in verdicts { verdict(failure) }
        }
    }

    /// Commits a change and applies it; returns why it was not kept.
    private func keep(_ change: CoordinatorChange?) async -> CoordinationError? {
        guard let change else { return nil }
        do throws(CoordinationError) {
            try await store.commit(change, ifVersion: change.version - 1)
        } catch {
            return error
        }
        let (before, map) = shared.withLock { shared in
            let before = shared.state.map.version
            shared.state.apply(change, now: runtime.now)
            return (before, shared.state.map)
        }
        if change.mapVersion != 0 {
            maps.offer(map, by: MapStep(from: before, by: change))
            meter.isNow(map)
        }
        return nil
    }

    private func takeDecisions() -> ([Decision], CoordinatorState)? {
        shared.withLock { shared in
            guard !shared.waiting.isEmpty else {
                shared.isCommitting = false
                return nil
            }
            defer { shared.waiting = [] }
            return (shared.waiting, shared.state)
        }
    }

    private func giveBack(_ decisions: ArraySlice<Decision>) {
        guard !decisions.isEmpty else { return }
        shared.withLock { $0.waiting.insert(contentsOf: decisions, at: 0) }
    }
}
