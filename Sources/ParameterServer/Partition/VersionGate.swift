import MeshWire
import Synchronization

/// Where pulls wait until their partition has reached a version.
///
/// Safe to use from any task: guarded by a mutex.
final class VersionGate: Sendable {
    private struct State {
        var current: PartitionVersion
        var waiting: [(minimum: PartitionVersion, wait: Wait)] = []
    }

    private let limit: Int
    private let state: Mutex<State>

    /// - Parameter limit: the most pulls that wait at a time.
    init(_ current: PartitionVersion, limit: Int) {
        self.limit = limit
        state = Mutex(State(current: current))
    }

    /// Lets those through who wait for `version` or one before it. Versions may be told in any order: whoever applied a
    /// push says so after its turn, and the next may be first.
    func reached(_ version: PartitionVersion) {
        let through = state.withLock { state in
            state.current = max(state.current, version)
            guard !state.waiting.isEmpty else { return [Wait]() }
            let through = state.waiting.filter { $0.minimum <= version }.map(\.wait)
            state.waiting.removeAll { $0.minimum <= version }
            return through
        }
        for wait in through { wait.finish(true) }
    }

    /// Waits until the partition is at `minimum` or later.
    ///
    /// - Returns: false if `deadline` came or the task was cancelled before, or if too many wait.
    func wait(for minimum: PartitionVersion, until deadline: RuntimeInstant, on runtime: any Runtime) async -> Bool {
        let wait = Wait()
        let mustWait: Bool? = state.withLock { state in
            guard state.current < minimum else { return false }
            guard state.waiting.count < limit else { return nil }
            state.waiting.append((minimum, wait))
            return true
        }
        guard let mustWait else { return false }
        guard mustWait else { return true }
        let isReached = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await runtime.sleep(until: deadline)
                wait.finish(false)
            }
            let isReached = await wait.value()
            group.cancelAll()
            return isReached
        }
        state.withLock { $0.waiting.removeAll { $0.wait === wait } }
        return isReached
    }

    /// One pull's wait, which ends once.
    private final class Wait: Sendable {
        private enum State {
            case idle
            case waiting(CheckedContinuation<Bool, Never>)
            case finished(Bool)
        }
        private let state = Mutex(State.idle)

        func value() async -> Bool {
            await withCheckedContinuation { continuation in
                let early: Bool? = state.withLock { state in
                    if case .finished(let result) = state { return result }
                    state = .waiting(continuation)
                    return nil
                }
                if let early { continuation.resume(returning: early) }
            }
        }

        func finish(_ result: Bool) {
            let continuation: CheckedContinuation<Bool, Never>? = state.withLock { state in
                switch state {
                case .finished: return nil
                case .idle:
                    state = .finished(result)
                    return nil
                case .waiting(let continuation):
                    state = .finished(result)
                    return continuation
                }
            }
            continuation?.resume(returning: result)
        }
    }
}
