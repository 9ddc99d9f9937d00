import Identity
public import Logging
public import MeshTransport
import MeshWire
public import ServiceLifecycle
import Synchronization

/// Knows who takes part: hands out sessions, fences old ones, and places the partitions of tables on servers.
///
/// Training goes on while it is away, but nobody can join. With a folder in its configuration it can be restarted: it
/// answers for a change when the disk has it, and sessions, servers, tables and epochs are as they were; its servers
/// and workers go on with it at the same address. Without one everything is in memory, and it lives as long as its job.
/// ```swift
/// var configuration = CoordinatorConfiguration()
/// configuration.folder = "/var/lib/job/coordination"
/// let coordinator = try await Coordinator(on: mesh, configuration: configuration)
/// try await ServiceGroup(services: [mesh, coordinator], logger: logger).run()
/// ```
/// Safe to use from any task: the state is guarded by ``CommittedState``.
public final class Coordinator: Service {
    package let mesh: Mesh
    let configuration: CoordinatorConfiguration
    let logger: Logger
    let state: CommittedState
    let meter: CoordinatorMeter
    let reports = Mutex(LossReports())
    let servers: FencedServers
    private let tables: TableGuard
    private let declarations: DeclarationRoom

    /// Makes a coordinator, goes on from what its store holds, and has `mesh` answer its methods; see
    /// ``CoordinationService``. Leases end only while ``run()`` does.
    ///
    /// - Parameter store: where changes are kept, in place of the configuration's folder. Default: an
    ///   ``EmbeddedStore`` in that folder, or memory without one.
    /// - Throws: ``CoordinationError`` with `invalidConfiguration`, `storeUnavailable`, or `storeFailed` where what the
    ///   store holds is damaged.
    public init(
        on mesh: Mesh, configuration: CoordinatorConfiguration = CoordinatorConfiguration(),
        store: (any CoordinationStore)? = nil, logger: Logger = Logger(label: "meshwork.coordinator")
    ) async throws(CoordinationError) {
        try configuration.validate()
        guard store == nil || configuration.folder == nil else {
            throw CoordinationError(
                .invalidConfiguration, "folder must be nil where a store is given, is \(configuration.folder ?? "")")
        }
        self.mesh = mesh
        self.configuration = configuration
        self.logger = logger
        servers = FencedServers(mesh)
        meter = CoordinatorMeter(mesh.metrics, configuration.namespaces)
        tables = TableGuard(configuration.tablePolicy, mesh.metrics)
        declarations = DeclarationRoom(bytes: configuration.heldDeclarationBytes, partitions: configuration.partitions)
        let runtime = mesh.runtime
        let embedded = configuration.folder.map { EmbeddedStore(folder: $0, runtime: runtime, logger: logger) }
        let store: any CoordinationStore = store ?? embedded ?? MemoryStore()
        // Sessions of a coordinator that was started later compare greater, also without a store: it counts from the
        // microsecond at which it started, and nobody opens a million sessions a second. What a store knows counts more
        // than the clock, which may have been set back.
        let started = UInt64(clamping: runtime.timeSince1970.inMicroseconds)
        state = CommittedState(
            CoordinatorState(
                configuration, firstOrdinal: started, snapshot: try await store.load(), now: runtime.now),
            store, runtime, meter)
        serve()
    }

    /// Ends the sessions and has the servers lost whose leases are over, until the task is cancelled or the service
    /// group shuts down.
    ///
    /// - Throws: ``CoordinationError`` with `storeFailed` or `versionConflict` when the store takes no more changes:
    ///   the coordinator must be restarted, or another has taken over.
    public func run() async throws {
        let failure = Mutex<CoordinationError?>(nil)
        await mesh.runtime.untilStopped {
            await withTaskGroup(of: CoordinationError?.self) { group in
                group.addTask { await self.watchSessions() }
                group.addTask { await self.watchServers() }
                if let error = await group.next() { failure.withLock { $0 = error } }
                group.cancelAll()
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// Ends the sessions whose leases are over, until the task is cancelled; returns why the store takes no more
    /// changes.
    private func watchSessions() async -> CoordinationError? {
        // Checked four times a lease: a session ends at most a quarter of a lease late.
        let interval = configuration.lease / 4
        var due = mesh.runtime.now.advanced(by: interval)
        while (try? await mesh.runtime.sleep(until: due)) != nil {
            let now = mesh.runtime.now
            let isLate = due.duration(to: now) > interval
            due = now.advanced(by: interval)
            do throws(CoordinationError) {
                // A coordinator that was stopped itself has not heard anybody meanwhile.
                guard !isLate else {
                    try state.change { $0.prolongSessions(now: now) }
                    continue
                }
                try await expireSessions()
            } catch {
                guard error.code == .storeUnavailable || error.code == .limitReached else { return error }
                logger.warning("sessions not ended", metadata: ["error": "\(error)"])
            }
        }
        return nil
    }

    /// The tables and where their partitions are.
    public var map: PartitionMap { state.read { $0.map } }

    /// The newest session of each slot.
    public var fence: SessionFence { state.read { $0.fence } }

    private func serve() {
        serveServers()
        mesh.serve(CoordinationService.openSession) { request, call in try await self.open(request, call) }
        mesh.serve(CoordinationService.renewSession) { held, call in
            try await self.answering { () async throws(CoordinationError) in try await self.renew(held, call) }
        }
        mesh.serve(CoordinationService.closeSession) { held, call in try await self.close(held, call) }
        mesh.serve(CoordinationService.declareTables) { request, call in
            try await self.answering { () async throws(CoordinationError) in
                try self.fitting(try await self.declare(request.tables, call))
            }
        }
        mesh.serve(CoordinationService.declareManyTables) { parts, call in try await self.declare(parts, call) }
        mesh.serve(CoordinationService.fetchMap) { _, _ in
            try await self.answering { () throws(CoordinationError) in try self.fitting(self.map) }
        }
        mesh.serve(CoordinationService.fetchFence) { _, _ in self.fence }
    }

    private func open(_ request: OpenSession, _ call: CallContext) async throws -> OpenedSession {
        let (opening, fence, map) = try await answering { () async throws(CoordinationError) in
            let peer = try Self.peer(of: call)
            let (bits, now) = (mesh.runtime.randomBits(), mesh.runtime.now)
            return try await state.commit(until: deadline(of: call)) { (state) throws(CoordinationError) in
                let opening = try state.openSession(
                    slot: request.slot, owner: peer, request: request.request, randomBits: bits, now: now)
                return (opening, state.fence, state.map)
            }
        }
        let record = opening.record
        logger.info(
            "session opened",
            metadata: ["slot": "\(record.slot)", "session": "\(record.session)", "peer": "\(record.owner)"])
        let report = await servers.tell(
            map, FenceOrder(fence: fence, reportOn: record.predecessor), within: fenceTimeout(of: call))
        warn(about: report.unknown, map)
        let applied = record.predecessor == nil ? [] : report.applied
        let told = applied.fitting(bytes: mesh.limits.messageHeadBytes / 2)
        return OpenedSession(
            session: record.session, slot: record.slot, lease: configuration.lease,
            membershipEpoch: opening.membershipEpoch, predecessor: record.predecessor, applied: Array(told),
            unknown: (report.unknown + applied[told.endIndex...].lazy.map(\.partition)).sorted())
    }

    private func renew(
        _ held: HeldSession, _ call: CallContext
    ) async throws(CoordinationError) -> RenewedSession {
        let peer = try Self.peer(of: call)
        if state.read({ $0.isOverdue(held.session, slot: held.slot, now: mesh.runtime.now) }) {
            // Its end may be on its way to the store: who is told that it lives must not learn later that it did not.
            try await state.commit(until: deadline(of: call)) { _ in }
        }
        return try state.change { (state) throws(CoordinationError) in
            _ = try state.renewSession(held.session, slot: held.slot, owner: peer, now: mesh.runtime.now)
            return RenewedSession(lease: configuration.lease, membershipEpoch: state.membershipEpoch)
        }
    }

    private func close(_ held: HeldSession, _ call: CallContext) async throws -> EmptyMessage {
        let (lived, fence, map) = try await answering { () async throws(CoordinationError) in
            let peer = try Self.peer(of: call)
            return try await state.commit(until: deadline(of: call)) { (state) throws(CoordinationError) in
                (try state.closeSession(held.session, slot: held.slot, owner: peer), state.fence, state.map)
            }
        }
        if lived {
            logger.info("session closed", metadata: ["slot": "\(held.slot)", "session": "\(held.session)"])
            let order = FenceOrder(fence: fence, reportOn: nil)
            warn(about: await servers.tell(map, order, within: fenceTimeout(of: call)).unknown, map)
        }
        return EmptyMessage()
    }

    /// Declares the tables of all parts together, when the last is there.
    private func declare(_ parts: RequestStream<TableRequests>, _ call: CallContext) async throws -> DeclaredTables {
        var tables: [TableRequest] = []
        var (held, partitions) = (0, 0)
        defer { declarations.free(held) }
        for try await part in parts {
            try await answering { () throws(CoordinationError) in
                held += try declarations.take(part.tables, beside: partitions)
            }
            tables += part.tables
            partitions += part.tables.reduce(0) { $0 + $1.partitionByteCounts.count }
        }
        return try await answering { () async throws(CoordinationError) in
            DeclaredTables(mapVersion: try await declare(tables, call).version)
        }
    }

    private func declare(
        _ requests: [TableRequest], _ call: CallContext
    ) async throws(CoordinationError) -> PartitionMap {
        let (before, map) = try await state.commit(until: deadline(of: call)) { (state) throws(CoordinationError) in
            let before = state.map.version
            for table in requests where state.map.table(named: table.name) == nil {
                guard let denial = self.tables.denial(.declare, table: table.name, peer: call.peer) else { continue }
                throw CoordinationError(.notAllowed, denial)
            }
            try state.declare(requests)
            return (before, state.map)
        }
        if map.version != before {
            logger.info("tables declared", metadata: ["tables": "\(map.tables.count)", "version": "\(map.version)"])
        }
        return map
    }

    /// A map that a message has room for.
    ///
    /// - Throws: ``CoordinationError/Code/mapTooLarge``.
    func fitting(_ map: PartitionMap) throws(CoordinationError) -> PartitionMap {
        let limit = mesh.limits.messageHeadBytes
        guard map.mostBytes > limit else { return map }
        let bytes = Payload(map).count
        guard bytes > limit else { return map }
        throw CoordinationError(
            .mapTooLarge,
            "the map of \(map.tables.count) tables takes \(bytes) bytes, a message \(limit): follow it in parts")
    }

    private func expireSessions() async throws(CoordinationError) {
        let now = mesh.runtime.now
        let (ended, fence, map) = try await state.commit(until: now.advanced(by: configuration.commitTimeout)) {
            state in
            (state.expireSessions(now: now), state.fence, state.map)
        }
        guard !ended.isEmpty else { return }
        for record in ended {
            logger.warning(
                "session expired",
                metadata: ["slot": "\(record.slot)", "session": "\(record.session)", "peer": "\(record.owner)"])
        }
        let order = FenceOrder(fence: fence, reportOn: nil)
        warn(about: await servers.tell(map, order, within: configuration.fenceTimeout).unknown, map)
    }

    /// Until when a call waits for the store: a little less than its caller does, so that it learns why it waited.
    func deadline(of call: CallContext) -> RuntimeInstant {
        mesh.runtime.now.advanced(by: min(configuration.commitTimeout, call.timeRemaining * 3 / 4))
    }

    /// How long a call waits for the servers: at most half the time that its caller waits for it, so that an answer
    /// with gaps arrives rather than none.
    private func fenceTimeout(of call: CallContext) -> Duration {
        min(configuration.fenceTimeout, call.timeRemaining / 2)
    }

    private func warn(about unknown: [PartitionID], _ map: PartitionMap) {
        guard !unknown.isEmpty else { return }
        logger.warning(
            "fence not confirmed by every server",
            metadata: ["partitions": "\(unknown.count)", "version": "\(map.version)"])
    }

    static func peer(of call: CallContext) throws(CoordinationError) -> SPIFFEID {
        guard let peer = call.peer else { throw CoordinationError(.notOwner, "the caller has proved no identity") }
        return peer
    }

    func answering<Result>(
        _ body: () async throws(CoordinationError) -> Result
    ) async throws(CallFailure) -> Result {
        do throws(CoordinationError) {
            return try await body()
        } catch {
            throw error.callFailure
        }
    }
}
