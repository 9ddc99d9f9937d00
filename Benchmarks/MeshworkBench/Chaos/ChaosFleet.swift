import Dispatch
import Foundation
import Synchronization

/// The processes of a run, as they are now. Guarded by a mutex.
final class ChaosFleet: Sendable {
    /// A server or the coordinator: there is always one, but while it is away on purpose.
    enum Place: Sendable, Hashable {
        case coordinator
        case server(Int)
    }

    private struct State {
        var processes: [Place: PeerProcess] = [:]
        /// The newest worker of each slot last.
        var workers: [Int: [PeerProcess]] = [:]
        var disturbed: Set<String> = []
        var isOver = false
    }

    private let state = Mutex(State())

    /// The process at a place; `nil` while it is away.
    func process(at place: Place) -> PeerProcess? { state.withLock { $0.processes[place] } }

    func set(_ process: PeerProcess?, at place: Place) { state.withLock { $0.processes[place] = process } }

    /// The newest worker of a slot that has not been seen to end.
    func worker(in slot: Int) -> PeerProcess? { state.withLock { $0.workers[slot]?.last } }

    /// Takes a worker in; false if the run is over.
    func add(_ worker: PeerProcess, slot: Int) -> Bool {
        state.withLock { state in
            guard !state.isOver else { return false }
            state.workers[slot, default: []].append(worker)
            return true
        }
    }

    func remove(_ worker: PeerProcess, slot: Int) {
        state.withLock { $0.workers[slot]?.removeAll { $0 === worker } }
    }

    /// Says that something happens to a process; false if something does already.
    func begin(_ process: String) -> Bool { state.withLock { $0.disturbed.insert(process).inserted } }

    func end(_ process: String) { state.withLock { _ = $0.disturbed.remove(process) } }

    var isOver: Bool { state.withLock { $0.isOver } }

    /// Takes no more workers, and ends those that there are.
    func stopWorkers() async {
        let workers = state.withLock { state in
            state.isOver = true
            return state.workers.values.flatMap { $0 }
        }
        await Self.offThePool { for worker in workers { worker.stop() } }
    }

    /// Ends everything.
    func stop() async {
        await stopWorkers()
        let processes = state.withLock { state in
            defer { state.processes = [:] }
            return Array(state.processes.values)
        }
        await Self.offThePool { for process in processes { process.stop() } }
    }

    /// Runs what waits for processes on a thread of its own: few threads run all tasks, the proxies' among them.
    static func offThePool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    private static func offThePool(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                body()
                continuation.resume()
            }
        }
    }
}
