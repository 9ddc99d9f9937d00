import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization
import Tensor

/// The partitions that a server has, with the fence that newcomers among them start with.
///
/// What it does not know, a partition or a session, it asks the coordinator for, one question at a time. Before its
/// server has registered it takes no push and has no partition: a server that was restarted where it was can be reached
/// before that, and the map of then still has the epochs of its earlier life. Safe to use from any task: guarded by one
/// mutex, which is not held across a call.
final class HostedPartitions: Sendable {
    private struct State {
        /// The newest fence, for partitions to come.
        var fence = SessionFence()
        /// The fence that every partition has: a session that is new in ``fence`` may push once all have heard of it.
        var fenceInForce = SessionFence()
        var partitions: [PartitionID: Partition] = [:]
        var isRegistered = false
    }

    private let server: String
    /// The server's life, as it registers it.
    private let life: UInt64
    private let coordination: CoordinationClient
    private let configuration: ParameterServerConfiguration
    private let meter: ApplyMeter
    private let state = Mutex(State())
    /// Whoever has the turn asks the coordinator.
    private let questions: TurnQueue

    init(
        server: String, life: UInt64, coordination: CoordinationClient, configuration: ParameterServerConfiguration,
        meter: ApplyMeter
    ) {
        self.server = server
        self.life = life
        self.coordination = coordination
        self.configuration = configuration
        self.meter = meter
        questions = TurnQueue(limit: configuration.queuedPushes)
    }

    /// The partition, if it is here already.
    func known(_ id: PartitionID) -> Partition? { state.withLock { $0.partitions[id] } }

    /// All partitions, in the order of their numbers.
    var all: [Partition] {
        state.withLock { $0.partitions.values.sorted { $0.id < $1.id } }
    }

    /// Takes pushes and makes partitions from now on: the coordinator has this life in its map.
    func serverIsRegistered() { state.withLock { $0.isRegistered = true } }

    /// The partition: known, or made now because the coordinator has placed it here. Computes; not for loops.
    ///
    /// - Throws: ``ParameterServerError`` with `notRegistered`, `unknownParameter`, `invalidDeclaration`,
    ///   `coordination` or `busy`.
    func partition(_ id: PartitionID) async throws(ParameterServerError) -> Partition {
        if let partition = known(id) { return partition }
        guard state.withLock({ $0.isRegistered }) else { throw notRegistered("has not registered yet") }
        try await askingCoordinator { () throws(ParameterServerError) in
            guard known(id) == nil else { return }
            try await refresh()
        }
        guard let partition = known(id) else {
            throw ParameterServerError(
                .unknownParameter, "partition \(id) is of no declared table that server \(server) heads")
        }
        return partition
    }

    /// Why a session may not push, or `nil`; asks the coordinator about one that is newer than what is known.
    ///
    /// - Throws: ``ParameterServerError`` with `notRegistered`, `coordination` or `busy`.
    func refusal(of session: SessionID, slot: Int, peer: SPIFFEID) async throws(ParameterServerError) -> PushFault? {
        let refusal = try knownRefusal(of: session, slot: slot, peer: peer)
        guard let refusal, refusal.code == .sessionUnknown else { return refusal }
        try await askingCoordinator { () throws(ParameterServerError) in
            guard try knownRefusal(of: session, slot: slot, peer: peer)?.code == .sessionUnknown else { return }
            let fence = try await fetch { () throws(CoordinationError) in try await coordination.fetchFence() }
            _ = await install(fence, reportOn: nil)
        }
        return try knownRefusal(of: session, slot: slot, peer: peer)
    }

    /// Puts a newer fence in force in every partition, those to come included, and returns what `session` has applied.
    /// Waits for each partition's turn.
    func install(_ newer: SessionFence, reportOn session: SessionID?) async -> [AppliedPushes] {
        let (fence, partitions) = state.withLock { state in
            state.fence.merge(newer)
            return (state.fence, state.partitions.values.sorted { $0.id < $1.id })
        }
        var applied: [AppliedPushes] = []
        for partition in partitions {
            let sequences = await partition.install(fence, reportOn: session)
            if session != nil { applied.append(AppliedPushes(partition: partition.id, sequences: sequences)) }
        }
        state.withLock { _ = $0.fenceInForce.merge(fence) }
        return applied
    }

    private func knownRefusal(
        of session: SessionID, slot: Int, peer: SPIFFEID
    ) throws(ParameterServerError) -> PushFault? {
        let (fence, isRegistered) = state.withLock { ($0.fenceInForce, $0.isRegistered) }
        guard isRegistered else { throw notRegistered("has not registered yet") }
        return fence.refusal(of: session, slot: slot, peer: peer)
    }

    private func notRegistered(_ why: String) -> ParameterServerError {
        ParameterServerError(.notRegistered, "server \(server) \(why)")
    }

    /// Makes the partitions that the coordinator's map has placed here since.
    private func refresh() async throws(ParameterServerError) {
        let map = try await fetch { () throws(CoordinationError) in try await coordination.fetchMap() }
        // A later life of this server heads the partitions in the epochs of this map, and this one in none.
        guard map.server(named: server)?.life == life else { throw notRegistered("has been started anew elsewhere") }
        for table in map.tables {
            for (index, partition) in table.partitions.enumerated()
            where partition.head == server && known(partition.id) == nil {
                try host(partition, index: index, of: table)
            }
        }
    }

    private func host(
        _ entry: PartitionMap.Partition, index: Int, of table: PartitionMap.Table
    ) throws(ParameterServerError) {
        do {
            let declaration = try TableDeclaration(messageBytes: table.declaration)
            guard index < declaration.partitionCount else {
                throw ParameterServerError(
                    .invalidDeclaration, "table \(table.name) has no partition \(index) in its declaration")
            }
            let values = try declaration.initialValues(ofPartition: index)
            try state.withLock { state in
                // The fence of this moment: a newer one reaches the partition through `install`.
                state.partitions[entry.id] = try Partition(
                    id: entry.id, index: index, of: declaration, epoch: entry.epoch, initialValues: values,
                    fence: state.fence, configuration: configuration, meter: meter)
            }
        } catch let error as ParameterServerError {
            throw error
        } catch {
            throw ParameterServerError(
                .invalidDeclaration, "table \(table.name) cannot be hosted: \(error)", cause: error)
        }
    }

    private func fetch<Result>(
        _ body: () async throws(CoordinationError) -> Result
    ) async throws(ParameterServerError) -> Result {
        do throws(CoordinationError) {
            return try await body()
        } catch {
            throw ParameterServerError(error)
        }
    }

    private func askingCoordinator(
        _ body: () async throws(ParameterServerError) -> Void
    ) async throws(ParameterServerError) {
        guard await questions.take() else {
            throw ParameterServerError(.busy, "server \(server): too many calls wait for the coordinator")
        }
        defer { questions.pass() }
        try await body()
    }
}
