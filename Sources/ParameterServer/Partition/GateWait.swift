import MeshWire
import Synchronization

/// One call's wait at a gate, which ends once.
///
/// Safe to use from any task: guarded by a mutex.
final class GateWait: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Bool, Never>)
        case finished(Bool)
    }
    private let state = Mutex(State.idle)

    /// Waits until it is finished; at the deadline, and where the task is cancelled, that is with false.
    func value(until deadline: RuntimeInstant, on runtime: any Runtime) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await runtime.sleep(until: deadline)
                self.finish(false)
            }
            let isReached = await value()
            group.cancelAll()
            return isReached
        }
    }

    private func value() async -> Bool {
        await withCheckedContinuation { continuation in
            let early: Bool? = state.withLock { state in
                if case .finished(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    /// Ends the wait, if it has not ended.
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
