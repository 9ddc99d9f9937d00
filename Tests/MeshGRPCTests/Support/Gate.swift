import Synchronization

/// Something that happens once and that tasks wait for.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.isOpen = true
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the gate is open, or when the task is cancelled: a test that takes too long fails instead of
    /// hanging.
    func wait() async {
        await withTaskCancellationHandler {
            await waitEvenIfCancelled()
        } onCancel: {
            open()
        }
    }

    /// Returns once the gate is open, for handlers that do not care for cancellation.
    func waitEvenIfCancelled() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// A number that tasks count up, and wait for.
final class Tally: Sendable {
    private struct State {
        var count = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    @discardableResult func add() -> Int {
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
    func reach(_ count: Int) async {
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
