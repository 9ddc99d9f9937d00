import Identity
public import Logging
public import MeshTransport
import MeshWire
public import ServiceLifecycle
import Synchronization

/// Knows who takes part: hands out sessions, fences old ones, and places the partitions of tables on servers.
///
/// Everything is in memory: a coordinator lives as long as the job that it coordinates. Training goes on while it is
/// away, but nobody can join.
/// ```swift
/// let coordinator = try Coordinator(on: mesh)
/// try await ServiceGroup(services: [mesh, coordinator], logger: logger).run()
/// ```
/// Safe to use from any task: the state is guarded by one mutex, which is never held across a call.
public final class Coordinator: Service {
    private let mesh: Mesh
    private let configuration: CoordinatorConfiguration
    private let logger: Logger
    private let state: Mutex<CoordinatorState>
    private let servers: FencedServers

    /// Makes a coordinator and has `mesh` answer its methods; see ``CoordinationService``. Leases end only while
    /// ``run()`` does.
    ///
    /// - Throws: ``CoordinationError/Code/invalidConfiguration``.
    public init(
        on mesh: Mesh, configuration: CoordinatorConfiguration = CoordinatorConfiguration(),
        logger: Logger = Logger(label: "meshwork.coordinator")
    ) throws(CoordinationError) {
        try configuration.validate()
        self.mesh = mesh
        self.configuration = configuration
        self.logger = logger
        servers = FencedServers(mesh)
        // Sessions of a coordinator that was started later compare greater: it counts from the microsecond at which it
        // started, and nobody opens a million sessions a second.
        let started = UInt64(clamping: mesh.runtime.timeSince1970.inMicroseconds)
        state = Mutex(CoordinatorState(configuration, firstOrdinal: started))
        serve()
    }

    /// Ends the sessions whose leases are over, until the task is cancelled or the service group shuts down.
    public func run() async throws {
        // Checked four times a lease: a session ends at most a quarter of a lease late.
        let interval = configuration.lease / 4
        await mesh.runtime.untilStopped {
            while (try? await self.mesh.runtime.sleep(for: interval)) != nil { await self.expireSessions() }
        }
    }

    /// The tables and where their partitions are.
    public var map: PartitionMap { state.withLock { $0.map } }

    /// The newest session of each slot.
    public var fence: SessionFence { state.withLock { $0.fence } }

    private func serve() {
        mesh.serve(CoordinationService.registerServer) { server, call in
            try self.answering { () throws(CoordinationError) in try self.register(server, call) }
        }
        mesh.serve(CoordinationService.openSession) { request, call in try await self.open(request, call) }
        mesh.serve(CoordinationService.renewSession) { held, call in
            try self.answering { () throws(CoordinationError) in try self.renew(held, call) }
        }
        mesh.serve(CoordinationService.closeSession) { held, call in try await self.close(held, call) }
        mesh.serve(CoordinationService.declareTables) { request, _ in
            try self.answering { () throws(CoordinationError) in try self.declare(request) }
        }
        mesh.serve(CoordinationService.fetchMap) { _, _ in self.map }
        mesh.serve(CoordinationService.fetchFence) { _, _ in self.fence }
    }

    private func register(_ server: ServerRecord, _ call: CallContext) throws(CoordinationError) -> SessionFence {
        let peer = try Self.peer(of: call)
        guard server.identity == peer else {
            throw CoordinationError(
                .notOwner, "server \(server.name) says that it is \(server.identity)", peer: peer.description)
        }
        let fence = try state.withLock { (state) throws(CoordinationError) in
            try state.registerServer(server)
            return state.fence
        }
        logger.info(
            "server registered",
            metadata: ["server": "\(server.name)", "address": "\(server.host):\(server.port)", "peer": "\(peer)"])
        return fence
    }

    private func open(_ request: OpenSession, _ call: CallContext) async throws -> OpenedSession {
        let (opening, fence, map) = try answering { () throws(CoordinationError) in
            let peer = try Self.peer(of: call)
            return try state.withLock { (state) throws(CoordinationError) in
                let opening = try state.openSession(
                    slot: request.slot, owner: peer, request: request.request,
                    randomBits: mesh.runtime.randomBits(), now: mesh.runtime.now)
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
        return OpenedSession(
            session: record.session, slot: record.slot, lease: configuration.lease,
            membershipEpoch: opening.membershipEpoch, predecessor: record.predecessor,
            applied: record.predecessor == nil ? [] : report.applied, unknown: report.unknown)
    }

    private func renew(_ held: HeldSession, _ call: CallContext) throws(CoordinationError) -> RenewedSession {
        let peer = try Self.peer(of: call)
        return try state.withLock { (state) throws(CoordinationError) in
            _ = try state.renewSession(held.session, slot: held.slot, owner: peer, now: mesh.runtime.now)
            return RenewedSession(lease: configuration.lease, membershipEpoch: state.membershipEpoch)
        }
    }

    private func close(_ held: HeldSession, _ call: CallContext) async throws -> EmptyMessage {
        let (lived, fence, map) = try answering { () throws(CoordinationError) in
            let peer = try Self.peer(of: call)
            return try state.withLock { (state) throws(CoordinationError) in
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

    private func declare(_ request: TableRequests) throws(CoordinationError) -> PartitionMap {
        let (before, map) = try state.withLock { (state) throws(CoordinationError) in
            let before = state.map.version
            try state.declare(request.tables)
            return (before, state.map)
        }
        if map.version != before {
            logger.info("tables declared", metadata: ["tables": "\(map.tables.count)", "version": "\(map.version)"])
        }
        return map
    }

    private func expireSessions() async {
        let (ended, fence, map) = state.withLock { state in
            (state.expireSessions(now: mesh.runtime.now), state.fence, state.map)
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

    private static func peer(of call: CallContext) throws(CoordinationError) -> SPIFFEID {
        guard let peer = call.peer else { throw CoordinationError(.notOwner, "the caller has proved no identity") }
        return peer
    }

    private func answering<Result>(
        _ body: () throws(CoordinationError) -> Result
    ) throws(CallFailure) -> Result {
        do throws(CoordinationError) {
            return try body()
        } catch {
            throw error.callFailure
        }
    }
}
