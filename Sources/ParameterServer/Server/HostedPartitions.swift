import Coordination
import Identity
import Logging
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
        /// Those that the log had, until the map says where they are now.
        var recovered: [PartitionID: Partition] = [:]
        var log: ServerLog?
        /// Why partitions that the coordinator has placed here are not here.
        var unhosted: [PartitionID: ParameterServerError] = [:]
        var isRegistered = false
    }

    private let server: String
    /// The server's life, as it registers it.
    private let life: UInt64
    private let coordination: any ServerCoordination
    private let configuration: ParameterServerConfiguration
    private let meter: ApplyMeter
    private let logger: Logger
    private let state = Mutex(State())
    /// Whoever has the turn asks the coordinator.
    private let questions: TurnQueue

    init(
        server: String, life: UInt64, coordination: any ServerCoordination, configuration: ParameterServerConfiguration,
        meter: ApplyMeter, logger: Logger
    ) {
        self.server = server
        self.life = life
        self.coordination = coordination
        self.configuration = configuration
        self.meter = meter
        self.logger = logger
        questions = TurnQueue(limit: configuration.queuedPushes)
    }

    /// The partition, if it is here already.
    func known(_ id: PartitionID) -> Partition? { state.withLock { $0.partitions[id] } }

    /// All partitions, in the order of their numbers.
    var all: [Partition] {
        state.withLock { $0.partitions.values.sorted { $0.id < $1.id } }
    }

    /// Opens the log, if there is one, and takes what it has of partitions.
    ///
    /// - Throws: ``ParameterServerError/Code/logFailed``.
    func recover() async throws(ParameterServerError) {
        guard let settings = configuration.log, state.withLock({ $0.log == nil }) else { return }
        let (log, partitions) = try await ServerLog.open(
            settings, ledger: configuration.ledger, on: coordination.mesh.runtime, logger: logger)
        state.withLock { state in
            state.log = log
            for first in partitions {
                state.recovered[first.id] = Partition(first, configuration: configuration, meter: meter, log: log)
            }
        }
        guard !partitions.isEmpty else { return }
        logger.info(
            "partitions read from the log",
            metadata: ["server": "\(server)", "partitions": "\(partitions.count)", "folder": "\(settings.folder)"])
    }

    /// Has the partitions that the log had begin the epoch after the map's, in the log before anybody hears of it, and
    /// returns those of which nothing is lost: whose log has the map's epoch. One that was left in an earlier epoch had
    /// another head since.
    ///
    /// - Throws: ``ParameterServerError`` with `coordination` or `logFailed`.
    func beginRecovered() async throws(ParameterServerError) -> [RecoveredPartition] {
        let recovered = state.withLock { $0.recovered }
        guard !recovered.isEmpty else { return [] }
        let map = try await fetch { () throws(CoordinationError) in try await coordination.fetchMap() }
        var intact: [RecoveredPartition] = []
        for entry in map.tables.flatMap(\.partitions) where entry.head == server {
            guard let partition = recovered[entry.id] else { continue }
            let left = await partition.snapshot().0.epoch
            guard left == entry.epoch || left == entry.epoch + 1 else { continue }
            partition.begin(epoch: entry.epoch + 1, intactSince: entry.intactSince)
            intact.append(RecoveredPartition(partition: entry.id, epoch: entry.epoch + 1))
        }
        let deadline = coordination.mesh.runtime.now.advanced(by: Self.recoveryTimeout)
        try await state.withLock { $0.log }?.settled(until: deadline)
        return intact
    }

    /// Serves the partitions that the log had, as the map has them now. Where the coordinator cannot be asked, whoever
    /// asks for one of them has it asked.
    func hostRecovered() async {
        guard state.withLock({ !$0.recovered.isEmpty }) else { return }
        do throws(ParameterServerError) {
            try await askingCoordinator { () throws(ParameterServerError) in try await refresh() }
        } catch {
            logger.warning(
                "partitions of the log are served when they are asked for",
                metadata: ["server": "\(server)", "error": "\(error)"])
        }
    }

    /// How long a server that starts waits for its log to have the new epochs.
    private static let recoveryTimeout = Duration.seconds(30)

    /// Has the log replaced by snapshots when it is half full.
    func compactLogIfNeeded() {
        guard let log = state.withLock({ $0.log }) else { return }
        log.compactIfNeeded { [self] in
            state.withLock { (Array($0.partitions.values) + $0.recovered.values).sorted { $0.id < $1.id } }
        }
    }

    /// Lets go of the log.
    func closeLog() async { await state.withLock { $0.log }?.close() }

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
        if let partition = known(id) { return partition }
        throw state.withLock { $0.unhosted[id] }
            ?? ParameterServerError(
                .unknownParameter, "partition \(id) is of no declared table that server \(server) heads")
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
            let places = table.partitions.indices.filter {
                table.partitions[$0].head == server && known(table.partitions[$0].id) == nil
            }
            guard !places.isEmpty else { continue }
            do throws(ParameterServerError) {
                try await host(places, of: table)
            } catch {
                // One table that cannot be hosted is no reason not to host the others.
                cannotHost(places.map { table.partitions[$0].id }, of: table, error)
            }
        }
    }

    /// Makes the partitions at `places` of a table, or goes on with those that the log had.
    private func host(_ places: [Int], of table: PartitionMap.Table) async throws(ParameterServerError) {
        let declaration = try TableDeclaration(of: table)
        let log = state.withLock { $0.log }
        for place in places {
            let entry = table.partitions[place]
            if let known = state.withLock({ $0.recovered[entry.id] }) {
                known.begin(epoch: entry.epoch, intactSince: entry.intactSince)
                _ = await known.install(state.withLock { $0.fence }, reportOn: nil)
                host(known)
                continue
            }
            let first: PartitionState
            do throws(TensorError) {
                first = try PartitionState(
                    id: entry.id, name: PartitionName(table: table.name, index: place), of: declaration,
                    epoch: entry.epoch, intactSince: entry.intactSince,
                    parameters: try declaration.initialValues(ofPartition: place), fence: state.withLock { $0.fence },
                    limits: configuration.ledger)
            } catch {
                throw ParameterServerError(
                    .invalidDeclaration, "table \(table.name) cannot be hosted: \(error)", cause: error)
            }
            if let log {
                try log.check(gradientBytes: first.parameters.byteCount, of: first.name)
                _ = try log.append(.origin, of: entry.id, first.origin)
            }
            let partition = Partition(first, configuration: configuration, meter: meter, log: log)
            host(partition)
            // A fence that came since `first` was made reaches the partition here, a later one through `install`.
            _ = await partition.install(state.withLock { $0.fence }, reportOn: nil)
        }
    }

    private func host(_ partition: Partition) {
        state.withLock { state in
            state.partitions[partition.id] = partition
            state.recovered[partition.id] = nil
            state.unhosted[partition.id] = nil
        }
    }

    /// Keeps why partitions are not here, for those who ask for them, and says so once.
    private func cannotHost(_ partitions: [PartitionID], of table: PartitionMap.Table, _ error: ParameterServerError) {
        let isNew = state.withLock { state in
            var isNew = false
            for id in partitions where state.partitions[id] == nil {
                isNew = state.unhosted.updateValue(error, forKey: id) == nil || isNew
            }
            return isNew
        }
        guard isNew else { return }
        logger.warning(
            "table cannot be hosted", metadata: ["server": "\(server)", "table": "\(table.name)", "error": "\(error)"])
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
