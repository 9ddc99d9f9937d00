import Synchronization

/// The newest map, for tasks that wait for one that is newer than theirs: whoever is slow gets the newest, and never a
/// queue of those between.
///
/// Guarded by a mutex. One waiting task is kept for each caller of ``next(after:)``, whose number is that of the calls
/// or tasks that wait.
package final class MapFeed: Sendable {
    private struct Waiting {
        var number: UInt64
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var map: PartitionMap?
        var history = MapHistory()
        /// In the order in which they came.
        var waiting: [Waiting] = []
        var nextNumber: UInt64 = 0
    }

    private let state: Mutex<State>

    package init(_ map: PartitionMap? = nil) { state = Mutex(State(map: map)) }

    /// The newest map, if there is one.
    package var newest: PartitionMap? { state.withLock { $0.map } }

    /// Gives a map to whoever waits, unless there is a newer one.
    package func offer(_ map: PartitionMap) { offer(map, by: nil) }

    /// Gives a map to whoever waits, with the step that led to it.
    func offer(_ map: PartitionMap, by step: MapStep?) {
        let waiting = state.withLock { state in
            if let known = state.map, known.version >= map.version { return [Waiting]() }
            state.map = map
            if let step { state.history.append(step) }
            defer { state.waiting = [] }
            return state.waiting
        }
        for task in waiting { task.continuation.resume() }
    }

    /// The newest map, once there is one that is newer than version `known`, or any for `nil`; `nil` when the task is
    /// cancelled.
    package func next(after known: UInt64?) async -> PartitionMap? {
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        while !Task.isCancelled {
            if let map = newer(than: known) { return map }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waits = state.withLock { state in
                        guard !Task.isCancelled, Self.newer(than: known, state.map) == nil else { return false }
                        state.waiting.append(Waiting(number: number, continuation: continuation))
                        return true
                    }
                    if !waits { continuation.resume() }
                }
            } onCancel: {
                stopWaiting(number)
            }
        }
        return nil
    }

    /// Gives `body` the map as it is, and then each newer one, until the task is cancelled or `body` throws.
    package func forEach<Failure>(_ body: (PartitionMap) async throws(Failure) -> Void) async throws(Failure) {
        var version: UInt64?
        while let map = await next(after: version) {
            version = map.version
            try await body(map)
        }
    }

    /// Gives `body` the step to the map as it is, and then to each newer one, until the task is cancelled or `body`
    /// throws.
    func forEachStep<Failure>(_ body: (MapStep) async throws(Failure) -> Void) async throws(Failure) {
        var version: UInt64?
        while let map = await next(after: version) {
            let known = version.flatMap { base in state.withLock { $0.history.step(from: base, to: map.version) } }
            version = map.version
            try await body(known ?? MapStep(to: map))
        }
    }

    private func newer(than known: UInt64?) -> PartitionMap? {
        state.withLock { Self.newer(than: known, $0.map) }
    }

    private static func newer(than known: UInt64?, _ map: PartitionMap?) -> PartitionMap? {
        guard let map else { return nil }
        return known.map { map.version > $0 } ?? true ? map : nil
    }

    private func stopWaiting(_ number: UInt64) {
        let continuation = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).continuation }
        }
        continuation?.resume()
    }
}
