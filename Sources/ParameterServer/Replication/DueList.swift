import NIOCore
import Synchronization

/// What something is due for, each once, in the order in which that came up; one task works it off. Guarded by a mutex.
final class DueList<Item: Hashable & Sendable>: Sendable {
    private struct State {
        var order = CircularBuffer<Item>()
        var members: Set<Item> = []
        var waiting: CheckedContinuation<Void, Never>?
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Puts an item on the list, if it is not there.
    func mark(_ item: Item) {
        let waiting = state.withLock { state in
            guard !state.isClosed, state.members.insert(item).inserted else {
                return CheckedContinuation<Void, Never>?.none
            }
            state.order.append(item)
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Ends the list.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Takes the first item from the list; waits until there is one. `nil` when the list was closed or the task
    /// cancelled. One task calls it.
    func next() async -> Item? {
        while true {
            let (next, isClosed) = state.withLock { state -> (Item?, Bool) in
                guard !state.isClosed else { return (nil, true) }
                let next = state.order.popFirst()
                if let next { state.members.remove(next) }
                return (next, false)
            }
            if next != nil || isClosed { return next }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mustWait = state.withLock { state in
                        guard state.order.isEmpty, !state.isClosed else { return false }
                        state.waiting = continuation
                        return true
                    }
                    if !mustWait { continuation.resume() }
                }
            } onCancel: {
                close()
            }
        }
    }
}
