import MeshWire
import Synchronization

/// Where calls wait until their partition has come so far: pulls for a version, pushes for a position of the log that
/// is committed or for a round that is closed.
///
/// Safe to use from any task: guarded by a mutex.
final class LevelGate<Level: Comparable & Sendable>: Sendable {
    private struct State {
        var current: Level
        var waiting: [(minimum: Level, wait: GateWait)] = []
        var isClosed = false
    }

    private let limit: Int
    private let state: Mutex<State>

    /// - Parameter limit: the most calls that wait at a time.
    init(_ current: Level, limit: Int) {
        self.limit = limit
        state = Mutex(State(current: current))
    }

    /// Lets those through who wait for `level` or one before it. Levels may be told in any order: whoever applied a
    /// push says so after its turn, and the next may be first.
    func reached(_ level: Level) {
        let through = state.withLock { state in
            state.current = max(state.current, level)
            guard !state.waiting.isEmpty else { return [GateWait]() }
            let through = state.waiting.filter { $0.minimum <= level }.map(\.wait)
            state.waiting.removeAll { $0.minimum <= level }
            return through
        }
        for wait in through { wait.finish(true) }
    }

    /// How many wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Ends all waits, and those to come: the partition comes no further here.
    func close() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isClosed = true
            return state.waiting.map(\.wait)
        }
        for wait in waiting { wait.finish(false) }
    }

    /// Waits until the partition is at `minimum` or later.
    ///
    /// - Returns: false if `deadline` came or the task was cancelled before, if too many wait, or if it was closed.
    func wait(for minimum: Level, until deadline: RuntimeInstant, on runtime: any Runtime) async -> Bool {
        let wait = GateWait()
        let mustWait: Bool? = state.withLock { state in
            guard state.current < minimum else { return false }
            guard !state.isClosed, state.waiting.count < limit else { return nil }
            state.waiting.append((minimum, wait))
            return true
        }
        guard let mustWait else { return false }
        guard mustWait else { return true }
        let isReached = await wait.value(until: deadline, on: runtime)
        state.withLock { $0.waiting.removeAll { $0.wait === wait } }
        return isReached
    }
}
