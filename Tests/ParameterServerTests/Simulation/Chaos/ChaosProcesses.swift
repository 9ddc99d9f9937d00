import Coordination
import MeshWire
import ParameterServer
import Synchronization

/// Where the processes of a job run now, and which of them something happens to. Guarded by a mutex.
final class ChaosProcesses: Sendable {
    private struct State {
        /// The host of a worker's newest life, by the path of its identity.
        var hosts: [String: String] = [:]
        var lives = 0
        /// The newest life of each server, and where it listens.
        var servers: [Int: (server: ParameterServer, endpoint: Endpoint)] = [:]
        /// The newest life of the coordinator.
        var coordinator: Coordinator?
        var coordinatorAway = Duration.zero
        var disturbed: Set<String> = []
        var isOver = false
    }

    private let state = Mutex(State())

    /// The host on which the process of a path runs.
    func host(of path: String) -> String { state.withLock { $0.hosts[path] ?? path } }

    /// The host of another life of the process of a path: not that of the life before, which may go on.
    func newHost(of path: String) -> String {
        state.withLock { state in
            state.lives += 1
            let host = "\(path)#\(state.lives)"
            state.hosts[path] = host
            return host
        }
    }

    func serverListens(_ number: Int, _ server: ParameterServer, at endpoint: Endpoint) {
        state.withLock { $0.servers[number] = (server, endpoint) }
    }

    func endpoint(ofServer server: Int) -> Endpoint? { state.withLock { $0.servers[server]?.endpoint } }

    func coordinatorRuns(_ coordinator: Coordinator) { state.withLock { $0.coordinator = coordinator } }

    /// What the newest lives of the servers hold of the partitions in the coordinator's map.
    var chains: ServerChains {
        state.withLock { state in
            ServerChains(
                entries: state.coordinator?.map.tables.flatMap(\.partitions) ?? [],
                servers: state.servers.sorted { $0.key < $1.key }.map(\.value.server))
        }
    }

    /// How long the coordinator stays away when it dies.
    var coordinatorAway: Duration { state.withLock { $0.coordinatorAway } }

    func setCoordinatorAway(_ time: Duration) { state.withLock { $0.coordinatorAway = time } }

    /// Says that something happens to a process; false if something does already.
    func begin(_ process: String) -> Bool { state.withLock { $0.disturbed.insert(process).inserted } }

    func end(_ process: String) { state.withLock { _ = $0.disturbed.remove(process) } }

    /// Whether workers make no more steps.
    var isOver: Bool { state.withLock { $0.isOver } }

    func stop() { state.withLock { $0.isOver = true } }
}
