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
    struct State {
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
        /// Why this server does not follow others in partitions that it was given.
        var refused: [PartitionID: (name: PartitionName, error: ParameterServerError)] = [:]
        var isRegistered = false
        /// The newest map that was taken.
        var map: PartitionMap?
    }

    let server: String
    /// The server's life, as it registers it.
    let life: UInt64
    let coordination: any ServerCoordination
    let configuration: ParameterServerConfiguration
    let functions: ServerFunctions
    let meter: ApplyMeter
    let logger: Logger
    /// Sends records to followers, and takes those of other heads.
    let replication: Replication
    /// Hears what the leader of rounds decides.
    let rounds: RoundFollower
    let state = Mutex(State())
    /// Whoever waits here.
    let waits = WaitBook()
    /// Whoever has the turn asks the coordinator.
    let questions: TurnQueue

    init(
        server: String, life: UInt64, coordination: any ServerCoordination, configuration: ParameterServerConfiguration,
        functions: ServerFunctions, meter: ApplyMeter, logger: Logger
    ) {
        self.server = server
        self.life = life
        self.coordination = coordination
        self.configuration = configuration
        self.functions = functions
        self.meter = meter
        self.logger = logger
        questions = TurnQueue(limit: configuration.queuedPushes)
        replication = Replication(
            server: server, coordination: coordination, configuration: configuration, logger: logger)
        rounds = RoundFollower(server: server, on: coordination.mesh)
        replication.serves(self)
        rounds.serves(self)
    }

    /// The partition, if it is here already, whoever heads it.
    func known(_ id: PartitionID) -> Partition? { state.withLock { $0.partitions[id] } }

    /// All partitions, in the order of their numbers.
    var all: [Partition] {
        state.withLock { $0.partitions.values.sorted { $0.id < $1.id } }
    }

    /// Those that this server heads, in the order of their numbers.
    var headed: [Partition] { all.filter(\.isHead) }

    /// Takes pushes and makes partitions from now on: the coordinator has this life in its map.
    func serverIsRegistered() { state.withLock { $0.isRegistered = true } }

    /// The partition that this server heads: known, or made now because the coordinator has placed it here. Computes;
    /// not for loops.
    ///
    /// - Throws: ``ParameterServerError`` with `notRegistered`, `unknownParameter`, `invalidDeclaration`,
    ///   `coordination` or `busy`.
    func partition(_ id: PartitionID) async throws(ParameterServerError) -> Partition {
        if let partition = known(id) { return try checked(partition) }
        guard state.withLock({ $0.isRegistered }) else { throw notRegistered("has not registered yet") }
        try await askingCoordinator { () throws(ParameterServerError) in
            guard known(id) == nil else { return }
            try await refresh()
        }
        if let partition = known(id) { return try checked(partition) }
        let (reason, entry) = state.withLock { ($0.unhosted[id], $0.map?.partition(id)) }
        if let reason { throw reason }
        if let entry { throw notRegistered("does not head partition \(id); ask its head, \(entry.head)") }
        throw ParameterServerError(
            .unknownParameter, "partition \(id) is of no declared table that server \(server) heads")
    }

    private func checked(_ partition: Partition) throws(ParameterServerError) -> Partition {
        guard partition.isHead else { throw notRegistered("does not head partition \(partition.name); ask its head") }
        return partition
    }

    /// Has the coordinator begin an epoch of a partition in which nothing that was acknowledged before has to stand.
    ///
    /// - Throws: ``ParameterServerError/Code/coordination``.
    func beginEpoch(of id: PartitionID) async throws(ParameterServerError) -> UInt64 {
        try await fetch { () throws(CoordinationError) in
            try await coordination.rollBack(id, headedBy: server, life: life)
        }
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

    /// Puts a newer fence in force in every partition that this server heads, those to come included, and returns what
    /// `session` has applied. Waits for each partition's turn. Followers have it from their head.
    func install(_ newer: SessionFence, reportOn session: SessionID?) async -> [AppliedPushes] {
        let fence = state.withLock { state in
            state.fence.merge(newer)
            return state.fence
        }
        var applied: [AppliedPushes] = []
        for partition in headed {
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
        #if DEBUG
            if configuration.mutation == .takesFencedSessions { return nil }
        #endif
        return fence.refusal(of: session, slot: slot, peer: peer)
    }

    func notRegistered(_ why: String) -> ParameterServerError {
        ParameterServerError(.notRegistered, "server \(server) \(why)")
    }

    func fetch<Result>(
        _ body: () async throws(CoordinationError) -> Result
    ) async throws(ParameterServerError) -> Result {
        do throws(CoordinationError) {
            return try await body()
        } catch {
            throw ParameterServerError(error)
        }
    }

    func askingCoordinator(
        _ body: () async throws(ParameterServerError) -> Void
    ) async throws(ParameterServerError) {
        let subject = WaitBook.Subject(reason: .coordinator, waiter: .question, blocker: .coordinator)
        let runtime = coordination.mesh.runtime
        try await waits.during(subject, on: runtime) { () async throws(ParameterServerError) in
            guard await questions.take(until: runtime.now.advanced(by: Self.questionTime), on: runtime) else {
                throw ParameterServerError(
                    .busy, "server \(server): too many calls wait for the coordinator, or for too long")
            }
            defer { questions.pass() }
            try await body()
        }
    }

    /// How long a call waits for others to have their answers of the coordinator; it ends with its caller, too.
    private static let questionTime = Duration.seconds(30)
}
