import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// Where a client's tables are, and how it finds out anew: servers end, start again and make way for others.
///
/// A request that was not answered, or by a server that is not in the map, is made again, the same bytes under the same
/// number, at whoever heads the partition then. Guarded by a mutex, which is not held across a call; one task at a time
/// asks the coordinator.
final class TableRoutes: Sendable {
    private struct State {
        var tables: TableSet?
        /// The number of the map that they are of.
        var mapVersion: UInt64 = 0
        /// When the coordinator last gave a map.
        var refreshed: RuntimeInstant?
    }

    let clients: ServerClients
    private let coordination: CoordinationClient
    private let callBytes: Int
    private let state = Mutex(State())
    private let questions = TurnQueue(limit: .max)

    init(_ coordination: CoordinationClient, _ clients: ServerClients, callBytes: Int) {
        self.coordination = coordination
        self.clients = clients
        self.callBytes = callBytes
    }

    private var runtime: any Runtime { coordination.mesh.runtime }

    /// The tables with the places that are known now.
    ///
    /// - Throws: ``ParameterServerError/Code/unknownParameter`` before any were declared.
    func tables() throws(ParameterServerError) -> TableSet {
        guard let tables = state.withLock({ $0.tables }) else {
            throw ParameterServerError(.unknownParameter, "no table has been declared by this client")
        }
        return tables
    }

    /// Takes declared tables and the map that they are in.
    func install(_ tables: [TableDeclaration], in map: PartitionMap) throws(ParameterServerError) {
        install(try TableSet(tables, in: map, callBytes: callBytes), of: map)
    }

    /// Takes the tables of a map: all, or those of these names.
    func install(_ map: PartitionMap, named names: [String]?) throws(ParameterServerError) {
        install(try TableSet(map, named: names, callBytes: callBytes), of: map)
    }

    private func install(_ tables: TableSet, of map: PartitionMap) {
        let now = runtime.now
        state.withLock { $0 = State(tables: tables, mapVersion: map.version, refreshed: now) }
        clients.keep(map.servers)
    }

    /// Runs `attempt` until it says that nothing is left to be made again, or the time is over.
    ///
    /// - Parameter attempt: makes what is left, given the places and the time that remains; true if something is left
    ///   that may be answered elsewhere or later.
    func retrying(
        until deadline: RuntimeInstant, _ attempt: (TableSet, Duration) async throws(ParameterServerError) -> Bool
    ) async throws(ParameterServerError) {
        var wait = Self.firstWait
        while true {
            let isLeft = try await attempt(try tables(), max(.zero, runtime.now.duration(to: deadline)))
            guard isLeft, !Task.isCancelled, runtime.now.advanced(by: wait) < deadline else { return }
            // Half to all of it, so that workers that lost the same server do not return at once.
            let share = Double(runtime.randomBits() >> 11) / Double(1 << 53)
            do { try await runtime.sleep(for: wait * (0.5 + share / 2)) } catch { return }
            wait = min(wait * 2, Self.longestWait)
            await refresh()
        }
    }

    /// Asks the coordinator where the tables are now, unless somebody else has just asked. That it cannot be reached
    /// changes nothing: servers go on without it.
    private func refresh() async {
        let asked = runtime.now
        _ = await questions.take()
        defer { questions.pass() }
        let (known, isNews) = state.withLock { ($0.tables, $0.refreshed.map { $0 < asked } ?? true) }
        guard isNews, let known, let map = try? await coordination.fetchMap(), map.version >= mapVersion else { return }
        try? install(known.tables, in: map)
    }

    private var mapVersion: UInt64 { state.withLock { $0.mapVersion } }

    private static let firstWait = Duration.milliseconds(20)
    private static let longestWait = Duration.seconds(1)
}

extension ParameterServerError {
    /// Whether the same request may be answered by another server, or by this one later, under the same number.
    var mayBeAnsweredElsewhere: Bool {
        switch code {
        case .notRegistered, .busy, .unknownParameter, .unconfirmed, .logFailed: true
        case .coordination: (cause as? CoordinationError)?.code == .callFailed || cause == nil
        case .callFailed:
            switch (cause as? MeshError)?.code {
            case .connectFailed?, .connectionLost?, .noEndpoint?, .draining?, .instanceChanged?, .loadShed?: true
            case .status?: (cause as? MeshError)?.status == .unavailable
            default: false
            }
        default: false
        }
    }
}
