import Coordination
import Identity
import MeshTransport
import Synchronization

/// The calls of a client that are under way. A new map ends those whose partitions it has elsewhere at once: they need not
/// wait until a server that does not answer is given up.
///
/// Safe to use from any task: guarded by a mutex, which is not held across a call.
final class CallsInFlight: Sendable {
    private struct Call {
        var share: TableSet.Share
        var task: CallTask
        var hasMoved = false
    }

    private struct State {
        var map = PartitionMap()
        var calls: [UInt64: Call] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Makes a call about a share of partitions to its server, in a task that does nothing else.
    ///
    /// - Throws: what the call throws as a ``ParameterServerError`` that names the server and its part, with `peerLost` where
    ///   it is gone, or the map has the partitions elsewhere.
    func run<Result: Sendable>(
        _ share: TableSet.Share, _ call: @Sendable () async throws(MeshError) -> Result
    ) async throws(ParameterServerError) -> Result {
        let outcome: Swift.Result<Result, ParameterServerError> = unsafe await withUnsafeCurrentTask { task in
            // An asynchronous function always runs in a task.
            // Safe: the entry with the reference is taken out before this closure returns.
            guard let task = unsafe task, let number = unsafe begin(share, CallTask(task)) else {
                return .failure(.movedAway(share))
            }
            do throws(MeshError) {
                let result = try await call()
                _ = end(number)
                return .success(result)
            } catch {
                return .failure(end(number) ? .movedAway(share) : ParameterServerError(error, from: share))
            }
        }
        return try outcome.get()
    }

    /// Ends the calls whose partitions a newer map has elsewhere, in the order in which they began.
    func take(_ map: PartitionMap) {
        state.withLock { state in
            guard map.version > state.map.version else { return }
            state.map = map
            for number in state.calls.keys.sorted() {
                guard let call = state.calls[number], !call.hasMoved, !call.share.isServed(by: map) else { continue }
                state.calls[number]?.hasMoved = true
                call.task.cancel()
            }
        }
    }

    private func begin(_ share: TableSet.Share, _ task: CallTask) -> UInt64? {
        state.withLock { state in
            // The map may have changed since the call was planned.
            guard state.map.version <= share.mapVersion || share.isServed(by: state.map) else { return nil }
            defer { state.next += 1 }
            state.calls[state.next] = Call(share: share, task: task)
            return state.next
        }
    }

    /// Returns whether the map has the call's partitions elsewhere.
    private func end(_ number: UInt64) -> Bool {
        state.withLock { $0.calls.removeValue(forKey: number)?.hasMoved ?? false }
    }
}

/// The task of a call, to be cancelled by others.
///
/// Sendable: `cancel` may be called from any task, and is while the entry that holds this is in its table, under the
/// table's mutex. The entry is taken out before the task leaves the function that lent the reference.
@safe private struct CallTask: @unchecked Sendable {
    private let task: UnsafeCurrentTask

    init(_ task: UnsafeCurrentTask) { unsafe self.task = task }

    func cancel() {
        // Safe: the task has not ended, as its entry was there.
        unsafe task.cancel()
    }
}

extension TableSet.Share {
    /// Whether a map has all these partitions at this life of this server.
    func isServed(by map: PartitionMap) -> Bool {
        map.server(named: server.name) == server
            && places.allSatisfy { map.partition($0.id)?.head == server.name }
    }

    /// The server's name, its part and the epoch, for errors.
    fileprivate var role: String {
        guard let place = places.first else { return "server \(server.name)" }
        let others = places.count == 1 ? "" : " and \(places.count - 1) more"
        return "server \(server.name), head of partition \(place.name) in epoch \(place.epoch)\(others)"
    }
}

extension ParameterServerError {
    /// A call that was ended because the map has its partitions elsewhere.
    fileprivate static func movedAway(_ share: TableSet.Share) -> ParameterServerError {
        ParameterServerError(
            .peerLost, "\(share.role): another heads it now", peer: share.server.identity.description)
    }

    /// What a call to the server of some partitions failed with.
    init(_ error: MeshError, from share: TableSet.Share) {
        self.init(error)
        guard code == .callFailed else { return }
        message = "\(share.role): \(message)"
        switch error.code {
        case .connectFailed, .connectionLost, .noEndpoint, .draining, .instanceChanged: code = .peerLost
        default: break
        }
    }

    /// Whether the server cannot be reached at all, which the coordinator is to know.
    var saysServerIsGone: Bool {
        guard code == .peerLost, let cause = cause as? MeshError else { return false }
        return cause.code == .connectFailed || cause.code == .connectionLost
    }
}
