import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// Hears what the leader of rounds decides, for all partitions that a server heads: one call waits at the leader at a
/// time.
///
/// Safe to use from any task: guarded by a mutex, which is not held across a call.
final class RoundFollower: Sendable {
    private struct State {
        weak var hosted: HostedPartitions?
        /// What the leader has told last.
        var known: RoundState?
    }

    private let server: String
    private let mesh: Mesh
    private let clients: ServerClients
    private let maps = MapFeed()
    private let state = Mutex(State())

    init(server: String, on mesh: Mesh) {
        self.server = server
        self.mesh = mesh
        clients = ServerClients(mesh)
    }

    /// Whose partitions these are.
    func serves(_ hosted: HostedPartitions) { state.withLock { $0.hosted = hosted } }

    /// Takes the places of a map, which the server has taken.
    func take(_ map: PartitionMap) {
        clients.keep(map.servers)
        maps.offer(map)
    }

    /// Asks the leader again and again, until the task is cancelled.
    func run() async {
        var map: PartitionMap?
        var wait = Self.firstWait
        while !Task.isCancelled {
            guard let known = map, let head = known.roundLeader, known.headsRounds(server) else {
                map = await maps.next(after: map?.version)
                continue
            }
            switch await ask(head, of: known) {
            case .map(let newer):
                map = newer
                // Partitions that are new here go by what is known.
                await give()
            case .told(let told):
                wait = Self.firstWait
                state.withLock { $0.known = told }
                await give()
            case .failed:
                try? await mesh.runtime.sleep(for: wait)
                wait = min(wait * 2, Self.longestWait)
                map = maps.newest ?? map
            }
        }
        clients.close()
    }

    private enum Answer {
        case told(RoundState)
        case failed
        case map(PartitionMap)
    }

    /// Asks the leader for what is not known; a new map ends that.
    private func ask(_ head: ServerRecord, of map: PartitionMap) async -> Answer {
        let query = RoundQuery(known: state.withLock { $0.known?.decided })
        return await withTaskGroup(of: Answer?.self) { group in
            group.addTask { [self] in await ask(head, query) }
            group.addTask { [maps] in await maps.next(after: map.version).map { .map($0) } }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? .failed
        }
    }

    private func ask(_ head: ServerRecord, _ query: RoundQuery) async -> Answer {
        do {
            if head.name == server {
                guard let hosted = state.withLock({ $0.hosted }) else { return .failed }
                return .told(
                    try await hosted.roundLeader.decided(
                        after: query.known, until: mesh.runtime.now.advanced(by: Self.timeout), on: mesh.runtime))
            }
            return .told(
                try await clients.client(of: head).call(RoundService.follow, query, timeout: Self.timeout))
        } catch {
            return .failed
        }
    }

    /// Tells the partitions what is known.
    private func give() async {
        let (hosted, known) = state.withLock { ($0.hosted, $0.known) }
        guard let hosted, let known else { return }
        await withDiscardingTaskGroup { group in
            for partition in hosted.headed where partition.table.takesRounds {
                group.addTask { await partition.take(known.decisions, decided: known.decided) }
            }
        }
    }

    private static let firstWait = Duration.milliseconds(20)
    private static let longestWait = Duration.milliseconds(250)
    private static let timeout = Duration.seconds(10)
}

extension PartitionMap {
    /// The server that leads rounds, where there are any.
    var roundLeader: ServerRecord? {
        table(named: ReservedTables.rounds)?.partitions.first.flatMap { server(named: $0.head) }
    }

    /// Whether a server heads partitions, beside rounds being led.
    fileprivate func headsRounds(_ server: String) -> Bool { !partitions(headedBy: server).isEmpty }
}
