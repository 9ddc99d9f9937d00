import Synchronization

/// Something that happens once and that tasks wait for.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    package init() {}

    package var isOpen: Bool { state.withLock { $0.isOpen } }

    package func open() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.isOpen = true
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the gate is open, or when the task is cancelled: a test that takes too long fails instead of
    /// hanging.
    package func wait() async {
        await withTaskCancellationHandler {
            await waitEvenIfCancelled()
        } onCancel: {
            open()
        }
    }

    /// Returns once the gate is open, for handlers that do not care for cancellation.
    package func waitEvenIfCancelled() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
