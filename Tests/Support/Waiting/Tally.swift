import Synchronization

/// A number that tasks count up, and wait for.
package final class Tally: Sendable {
    private struct State {
        var count = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    package init() {}

    package var count: Int { state.withLock { $0.count } }

    @discardableResult package func add() -> Int {
        let (count, woken) = state.withLock { state in
            state.count += 1
            let woken = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return (state.count, woken)
        }
        for waiter in woken { waiter.continuation.resume() }
        return count
    }

    /// Returns once the number has been reached, or when the task is cancelled.
    package func reach(_ count: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReached = state.withLock { state in
                    let isOver = state.count >= count || Task.isCancelled
                    if !isOver { state.waiters.append((count, continuation)) }
                    return isOver
                }
                if isReached { continuation.resume() }
            }
        } onCancel: {
            let waiters = state.withLock { state in
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.continuation.resume() }
        }
    }
}
