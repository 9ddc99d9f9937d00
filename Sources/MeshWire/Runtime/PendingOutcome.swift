import Synchronization

/// What somebody waits for and somebody else finds out, once. Guarded by a mutex.
package final class PendingOutcome<Value: Sendable>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Value, Never>)
        case finished(Value)
    }
    private let state = Mutex(State.idle)

    package init() {}

    /// Says what the outcome is; the first word counts.
    package func finish(_ value: Value) {
        let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
            switch state {
            case .finished: return nil
            case .idle:
                state = .finished(value)
                return nil
            case .waiting(let continuation):
                state = .finished(value)
                return continuation
            }
        }
        waiting?.resume(returning: value)
    }

    /// Waits for the outcome, once; it is `late` if `deadline` comes or the task is cancelled before.
    package func value(until deadline: RuntimeInstant, on runtime: any Runtime, late: Value) async -> Value {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await runtime.sleep(until: deadline)
                self.finish(late)
            }
            let value = await value()
            group.cancelAll()
            return value
        }
    }

    private func value() async -> Value {
        await withCheckedContinuation { continuation in
            let early: Value? = state.withLock { state in
                if case .finished(let value) = state { return value }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }
    }
}
