import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// Reports servers that cannot be reached to the coordinator, each once at a time. Nobody waits for that: the map tells
/// what was found.
///
/// Safe to use from any task: guarded by a mutex, which is not held across a call. A report ends by itself within its
/// call's time, and with ``close()``.
final class LossReporter: Sendable {
    private struct State {
        /// Of servers' lives; looked up only, so that its order is none.
        var reports: [UInt64: Task<Void, Never>] = [:]
        var isClosed = false
    }

    private let coordination: CoordinationClient
    private let state = Mutex(State())

    init(_ coordination: CoordinationClient) { self.coordination = coordination }

    /// Reports a server, unless that is under way.
    func report(_ server: ServerRecord) {
        let runtime = coordination.mesh.runtime
        state.withLock { state in
            guard state.reports[server.life] == nil, !state.isClosed else { return }
            state.reports[server.life] = runtime.spawn(on: runtime.taskExecutor) { [weak self, coordination] in
                try? await coordination.reportLoss(of: server.name, life: server.life)
                self?.ended(server)
            }
        }
    }

    /// Gives up what is under way.
    func close() {
        let reports = state.withLock { state in
            state.isClosed = true
            defer { state.reports = [:] }
            return state.reports.values
        }
        for report in reports { report.cancel() }
    }

    private func ended(_ server: ServerRecord) { state.withLock { $0.reports[server.life] = nil } }
}
