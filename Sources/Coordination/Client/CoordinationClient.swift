import Identity
public import MeshTransport
import MeshWire

/// A worker's or a server's way to its coordinator.
///
/// ```swift
/// let coordination = CoordinationClient(mesh, coordinator: destination)
/// let session = try await coordination.openSession(slot: 0)
/// try await withThrowingTaskGroup { group in
///     group.addTask { try await coordination.keepAlive(session) }
///     …
/// }
/// ```
/// Safe to use from any task.
public final class CoordinationClient: Sendable {
    /// How this process reaches others.
    public let mesh: Mesh
    let client: MeshClient

    /// A client of the coordinator at `destination`, which names the identity that it must prove.
    public init(_ mesh: Mesh, coordinator destination: Destination) {
        self.mesh = mesh
        client = mesh.client(destination)
    }

    /// Opens a session in `slot`, or in any free one. A living session of the same identity in that slot is fenced:
    /// when this returns, every server that could be reached has stopped applying its pushes.
    ///
    /// - Throws: ``CoordinationError`` with `slotOutOfRange`, `slotTaken`, `noFreeSlot` or `callFailed`.
    public func openSession(slot: Int? = nil) async throws(CoordinationError) -> WorkerSession {
        precondition(slot ?? 0 >= 0, "a slot is not negative")
        let request = OpenSession(slot: slot, request: mesh.runtime.randomBits())
        return WorkerSession(try await call(CoordinationService.openSession, request))
    }

    /// Renews a session's lease three times a lease, until the task is cancelled or the session is lost. A
    /// coordinator that cannot be reached does not end it: training goes on without one.
    ///
    /// A renewal waits a sixth of the lease for its answer, and one that had none is repeated a twelfth of the lease
    /// later: three of them fit into a lease, so that two in a row may be lost.
    ///
    /// - Throws: ``CoordinationError`` with `sessionFenced`, `sessionExpired` or `sessionUnknown`, or
    ///   `CancellationError`.
    public func keepAlive(_ session: WorkerSession) async throws {
        var wait = session.lease / 3
        while true {
            try await mesh.runtime.sleep(for: wait)
            do {
                _ = try await call(
                    CoordinationService.renewSession, HeldSession(session: session.id, slot: session.slot),
                    timeout: session.lease / 6)
                wait = session.lease / 3
            } catch {
                guard error.code == .callFailed else { throw error }
                wait = session.lease / 12
            }
        }
    }

    /// Ends a session; its slot is free, and no push of it is applied any more.
    ///
    /// - Throws: ``CoordinationError`` with `sessionFenced`, `sessionUnknown`, `notOwner` or `callFailed`.
    public func close(_ session: WorkerSession) async throws(CoordinationError) {
        _ = try await call(CoordinationService.closeSession, HeldSession(session: session.id, slot: session.slot))
    }

    /// Creates the tables that do not exist yet, all or none, however many, and returns the map with all tables.
    ///
    /// - Throws: ``CoordinationError`` with `conflictingDeclaration`, `invalidDeclaration`, `notAllowed`,
    ///   `tooFewServers`, `limitReached`, `quotaExceeded`, `busy` or `callFailed`.
    public func declare(_ tables: [TableRequest]) async throws(CoordinationError) -> PartitionMap {
        let parts = tables.parts(ofBytes: MapStep.partBytes(within: mesh.limits), \.mostBytes)
        guard parts.count > 1 else {
            return try await whole { () async throws(CoordinationError) in
                try await call(CoordinationService.declareTables, TableRequests(tables))
            }
        }
        try await declare(parts)
        return try await fetchMap()
    }

    /// The tables and where their partitions are.
    ///
    /// - Throws: ``CoordinationError`` with `callFailed`.
    public func fetchMap() async throws(CoordinationError) -> PartitionMap {
        try await whole { () async throws(CoordinationError) in
            try await call(CoordinationService.fetchMap, EmptyMessage())
        }
    }

    /// The newest session of each slot.
    ///
    /// - Throws: ``CoordinationError`` with `callFailed`.
    public func fetchFence() async throws(CoordinationError) -> SessionFence {
        try await call(CoordinationService.fetchFence, EmptyMessage())
    }

    /// Closes the connection to the coordinator.
    public func closeConnection() { client.close() }

    func call<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, timeout: Duration? = nil
    ) async throws(CoordinationError) -> Response {
        do throws(MeshError) {
            return try await client.call(method, request, timeout: timeout)
        } catch {
            throw CoordinationError(error)
        }
    }
}

extension CoordinationClient {
    /// Opens a session, keeps it alive while `body` runs, and closes it when `body` returns or throws.
    ///
    /// If the session is lost, `body` is cancelled. A task that is cancelled leaves the session to its lease.
    ///
    /// - Throws: what `body` throws; ``CoordinationError`` if the session could not be opened or was lost.
    public func withSession<Result: Sendable>(
        slot: Int? = nil, _ body: @escaping @Sendable (WorkerSession) async throws -> Result
    ) async throws -> Result {
        let session = try await openSession(slot: slot)
        do {
            let result = try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask { try await body(session) }
                group.addTask {
                    try await self.keepAlive(session)
                    return nil
                }
                defer { group.cancelAll() }
                while let ended = try await group.next() {
                    if let result = ended { return result }
                }
                throw CancellationError()
            }
            try? await close(session)
            return result
        } catch {
            try? await close(session)
            throw error
        }
    }
}
