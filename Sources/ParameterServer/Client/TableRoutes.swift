import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// Where a client's tables are now: it watches the coordinator's map, as servers end, start again and make way for
/// others.
///
/// A request that was not answered, or by a server that does not head its partition, is made again, the same bytes
/// under the same number, at whoever heads it then. One that is under way when the map changes is ended for that.
/// Guarded by a mutex, which is not held across a call; the watch ends with ``close()``, and with the last reference.
final class TableRoutes: Sendable {
    private struct State {
        var tables: TableSet?
        var map = PartitionMap()
        var watch: Task<Void, Never>?
        var isClosed = false
    }

    let clients: ServerClients
    let calls = CallsInFlight()
    let losses: LossReporter
    private let coordination: CoordinationClient
    private let callBytes: Int
    private let callPartitions: Int
    private let maps = MapFeed()
    private let waits = WaitBook()
    private let state = Mutex(State())

    init(_ coordination: CoordinationClient, _ clients: ServerClients, callBytes: Int) {
        self.coordination = coordination
        self.clients = clients
        self.callBytes = callBytes
        callPartitions = TableSet.callPartitions(within: coordination.mesh.limits)
        losses = LossReporter(coordination)
    }

    deinit { close() }

    private var runtime: any Runtime { coordination.mesh.runtime }

    /// The newest map that was seen.
    var map: PartitionMap { state.withLock { $0.map } }

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
        install(try TableSet(tables, in: map, callBytes: callBytes, callPartitions: callPartitions), of: map)
    }

    /// Takes the tables of a map: all, or those of these names.
    func install(_ map: PartitionMap, named names: [String]?) throws(ParameterServerError) {
        install(try TableSet(map, named: names, callBytes: callBytes, callPartitions: callPartitions), of: map)
    }

    /// Ends the watch.
    func close() {
        let watch = state.withLock { state in
            state.isClosed = true
            defer { state.watch = nil }
            return state.watch
        }
        watch?.cancel()
        losses.close()
    }

    private func install(_ tables: TableSet, of map: PartitionMap) {
        state.withLock { state in
            state.tables = tables
            // Tables that were declared are in any newer map too, and are placed as that says.
            if map.version >= state.map.version { state.map = map }
            guard state.watch == nil, !state.isClosed else { return }
            state.watch = runtime.spawn(on: runtime.taskExecutor) { [weak self, coordination] in
                await coordination.watchMap { self?.follow($0) }
            }
        }
        follow(self.map)
    }

    /// Goes by a map that is not older than the last one.
    private func follow(_ map: PartitionMap) {
        let isNews = state.withLock { state in
            guard map.version >= state.map.version, let known = state.tables else { return false }
            // A map that contradicts a declaration is the coordinator's error, and is not gone by.
            guard
                let tables = try? TableSet(
                    known.tables, in: map, callBytes: callBytes, callPartitions: callPartitions)
            else { return false }
            (state.tables, state.map) = (tables, map)
            return true
        }
        guard isNews else { return }
        calls.take(map)
        clients.keep(map.servers)
        maps.offer(map)
    }

    /// Makes a call about a share of partitions to its server, and reports the server if it is gone. To be called in a
    /// child task that does nothing else: a map that has the partitions elsewhere cancels it.
    ///
    /// - Throws: as ``CallsInFlight/run(_:_:)`` does.
    func call<Result: Sendable>(
        _ share: TableSet.Share, _ body: @Sendable (MeshClient) async throws(MeshError) -> Result
    ) async throws(ParameterServerError) -> Result {
        let client = clients.client(of: share.server)
        do throws(ParameterServerError) {
            return try await waits.during(.answer(share), on: runtime) { () async throws(ParameterServerError) in
                try await calls.run(share) { () throws(MeshError) in try await body(client) }
            }
        } catch {
            if error.saysServerIsGone { losses.report(share.server) }
            guard error.code == .callFailed, map.lost.contains(share.server.name) else { throw error }
            var error = error
            error.code = .peerLost
            error.message += "; the coordinator has not heard of it for too long"
            throw error
        }
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
            let version = map.version
            let isLeft = try await attempt(try tables(), max(.zero, runtime.now.duration(to: deadline)))
            guard isLeft, !Task.isCancelled, runtime.now.advanced(by: wait) < deadline else { return }
            // Half to all of it, so that workers that lost the same server do not return at once.
            let share = Double(runtime.randomBits() >> 11) / Double(1 << 53)
            let subject = WaitBook.Subject(reason: .map, waiter: .retry, blocker: .otherMap)
            let hasChanged = await waits.during(subject, on: runtime) {
                await waitForMap(after: version, atMost: wait * (0.5 + share / 2))
            }
            wait = hasChanged ? Self.firstWait : min(wait * 2, Self.longestWait)
        }
    }

    /// Who waits for whom in this client's requests.
    func stalls() -> [StallReport.Wait] { waits.waits(runtime.now) }

    /// Waits for a newer map, for a limited time; returns whether it came.
    private func waitForMap(after version: UInt64, atMost wait: Duration) async -> Bool {
        guard map.version == version else { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { [maps] in await maps.next(after: version) != nil }
            group.addTask { [runtime] in
                try? await runtime.sleep(for: wait)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }

    private static let firstWait = Duration.milliseconds(20)
    private static let longestWait = Duration.milliseconds(250)
}

extension ParameterServerError {
    /// Whether the same request may be answered by another server, or by this one later, under the same number.
    var mayBeAnsweredElsewhere: Bool {
        switch code {
        case .peerLost, .notRegistered, .busy, .unknownParameter, .unconfirmed, .logFailed, .staleClock: true
        case .coordination: (cause as? CoordinationError)?.code == .callFailed || cause == nil
        case .callFailed:
            switch (cause as? MeshError)?.code {
            case .loadShed?: true
            case .status?: (cause as? MeshError)?.status == .unavailable
            default: false
            }
        default: false
        }
    }
}
