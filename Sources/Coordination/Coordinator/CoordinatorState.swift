package import Identity
package import MeshWire

/// Everything that a coordinator knows: sessions, servers and the partition map. A state machine without I/O, clock or
/// generator; the same calls in the same order give the same state.
///
/// Whatever it decides it does by a ``CoordinatorChange``, which ``takeChange()`` gives out and ``apply(_:now:)`` does
/// to another copy: a decision is made on a copy, kept by a store, and then applied for everybody to see.
package struct CoordinatorState: Sendable {
    /// A session that was opened, and what it changed.
    package struct Opening: Sendable {
        package var record: SessionTable.Record
        package var membershipEpoch: UInt64
    }

    let configuration: CoordinatorConfiguration
    private var sessions: SessionTable
    /// The map as workers and servers get it.
    package private(set) var map: PartitionMap
    /// Rises on every join and leave of a worker or a server.
    package private(set) var membershipEpoch: UInt64
    /// Until when servers live without a sign of life.
    var leases: ServerLeases
    /// The servers that have said that they cannot hold a partition, in this life. Nobody keeps that: a coordinator that
    /// starts again is told again.
    private var refusals: [PartitionID: Set<ServerLife>] = [:]
    private var nextPartition: UInt64
    private var version: UInt64
    /// What has changed since ``takeChange()``, but for what ``sessions`` tells.
    private var change = CoordinatorChange()

    /// A coordinator that goes on from a snapshot. Its sessions live for a lease and the grace time from `now` on, so
    /// that whoever waited for the coordinator has time to come back.
    ///
    /// - Parameter firstOrdinal: the upper half of the first session, unless the snapshot's sessions are beyond that.
    package init(
        _ configuration: CoordinatorConfiguration, firstOrdinal: UInt64,
        snapshot: CoordinatorSnapshot = CoordinatorSnapshot(), now: RuntimeInstant = RuntimeInstant(nanoseconds: 0)
    ) {
        self.configuration = configuration
        sessions = SessionTable(
            slots: configuration.slots, lease: configuration.lease,
            firstOrdinal: max(firstOrdinal, snapshot.nextOrdinal), sessions: snapshot.sessions,
            leaseEnd: now.advanced(by: configuration.lease + configuration.restartGrace))
        map = snapshot.map
        leases = ServerLeases(
            configuration, servers: map.servers.lazy.map(\.name).filter(snapshot.map.isLiving), now: now)
        membershipEpoch = snapshot.membershipEpoch
        nextPartition = snapshot.nextPartition
        version = snapshot.version
    }

    /// What has been changed since this was asked for last; `nil` for nothing.
    package mutating func takeChange() -> CoordinatorChange? {
        change.append(sessions.takeChange())
        guard !change.isEmpty else { return nil }
        defer { change = CoordinatorChange() }
        version += 1
        change.version = version
        return change
    }

    /// Takes over what another copy of this state has changed. The leases of sessions that it opened, and of servers
    /// that it took in, begin now.
    package mutating func apply(_ change: CoordinatorChange, now: RuntimeInstant) {
        sessions.apply(change, now: now)
        map.apply(change)
        for server in change.servers {
            leases.begin(server.name, now: now)
            for id in refusals.keys { refusals[id] = refusals[id]?.filter { $0.name != server.name } }
        }
        for server in change.lost { leases.end(server) }
        if change.membershipEpoch != 0 { membershipEpoch = change.membershipEpoch }
        if change.nextPartition != 0 { nextPartition = change.nextPartition }
        if change.version != 0 { version = change.version }
    }

    /// Takes down that a server cannot hold a partition that it is being given.
    mutating func noteRefusal(of id: PartitionID, by server: String, owner: SPIFFEID) {
        guard map.partition(id)?.joining == server, let known = map.server(named: server), known.identity == owner
        else { return }
        refusals[id, default: []].insert(ServerLife(name: server, life: known.life))
    }

    /// Whether a server has said in its present life that it cannot hold a partition.
    func hasRefused(_ server: ServerRecord, _ id: PartitionID) -> Bool {
        refusals[id]?.contains(ServerLife(name: server.name, life: server.life)) == true
    }

    /// Whether tables have been declared since ``takeChange()``.
    var declaresTables: Bool { !change.tables.isEmpty }

    /// Whether a session's lease is over, so that it may be ending now.
    func isOverdue(_ session: SessionID, slot: Int, now: RuntimeInstant) -> Bool {
        sessions.isOverdue(session, slot: slot, now: now)
    }

    /// The newest session of each slot.
    package var fence: SessionFence { sessions.fence }

    /// Opens a session; see ``SessionTable/open(slot:owner:request:randomBits:now:)``.
    package mutating func openSession(
        slot: Int?, owner: SPIFFEID, request: UInt64, randomBits: UInt64, now: RuntimeInstant
    ) throws(CoordinationError) -> Opening {
        let before = sessions.fence
        let record = try sessions.open(slot: slot, owner: owner, request: request, randomBits: randomBits, now: now)
        if sessions.fence != before { membersChanged() }
        return Opening(record: record, membershipEpoch: membershipEpoch)
    }

    /// Prolongs a session's lease; returns its new end.
    package mutating func renewSession(
        _ session: SessionID, slot: Int, owner: SPIFFEID, now: RuntimeInstant
    ) throws(CoordinationError) -> RuntimeInstant {
        try sessions.renew(session, slot: slot, owner: owner, now: now)
    }

    /// Ends a session; returns whether it lived.
    package mutating func closeSession(
        _ session: SessionID, slot: Int, owner: SPIFFEID
    ) throws(CoordinationError) -> Bool {
        let lived = try sessions.close(session, slot: slot, owner: owner)
        if lived { membersChanged() }
        return lived
    }

    /// Has every session live for another lease.
    package mutating func prolongSessions(now: RuntimeInstant) { sessions.prolong(now: now) }

    /// Ends the sessions whose leases are over.
    package mutating func expireSessions(now: RuntimeInstant) -> [SessionTable.Record] {
        let ended = sessions.expire(now: now)
        if !ended.isEmpty { membersChanged() }
        return ended
    }

    /// Creates the tables that do not exist yet, all or none, and places their partitions.
    ///
    /// - Throws: ``CoordinationError`` with `invalidDeclaration`, `conflictingDeclaration`, `tooFewServers`,
    ///   `limitReached` or `quotaExceeded`; then nothing has changed.
    package mutating func declare(_ requests: [TableRequest]) throws(CoordinationError) {
        var missing: [TableRequest] = []
        var places: [String: Int] = [:]
        for request in requests {
            try check(request)
            if let table = map.table(named: request.name) {
                try check(request, declares: table)
            } else if let place = places[request.name] {
                guard missing[place] == request else { throw Self.conflict(request.name) }
            } else {
                places[request.name] = missing.count
                missing.append(request)
            }
        }
        guard !missing.isEmpty else { return }
        let living = map.living.count
        guard living >= configuration.serversBeforePlacement else {
            let lost =
                map.lost.isEmpty ? "" : ", and these were lost: \(map.lost.joined(separator: ", ")); start them again"
            throw CoordinationError(
                .tooFewServers,
                "\(living) servers are registered, placement waits for \(configuration.serversBeforePlacement)\(lost)")
        }
        let total = map.tables.reduce(0) { $0 + $1.partitions.count }
        let added = missing.reduce(0) { $0 + $1.partitionByteCounts.count }
        guard total + added <= configuration.partitions else {
            throw CoordinationError(
                .limitReached, "\(added) partitions beside \(total) are over the limit of \(configuration.partitions)")
        }
        for namespace in configuration.namespaces { try namespace.check(missing, beside: map) }
        place(missing)
    }

    private mutating func place(_ requests: [TableRequest]) {
        let living = map.living
        let wanted = requests.flatMap { request in
            request.partitionByteCounts.map { Placement.Request(bytes: $0, replicas: request.replicas) }
        }
        var chains = Placement.chains(of: wanted, loads: loads(of: living))[...]
        var step = CoordinatorChange()
        step.mapVersion = map.version + 1
        step.nextPartition = nextPartition
        for request in requests {
            var partitions: [PartitionMap.Partition] = []
            for (byteCount, chain) in zip(request.partitionByteCounts, chains) {
                let names = chain.map { living[$0].name }
                partitions.append(
                    PartitionMap.Partition(
                        id: PartitionID(rawValue: step.nextPartition), head: names[0], epoch: 1, byteCount: byteCount,
                        followers: Array(names.dropFirst())))
                step.nextPartition += 1
            }
            chains = chains.dropFirst(partitions.count)
            step.tables.append(
                PartitionMap.Table(
                    name: request.name, declaration: request.declaration, partitions: partitions,
                    replicas: request.replicas))
        }
        perform(step)
    }

    private mutating func membersChanged() {
        var step = CoordinatorChange()
        step.membershipEpoch = membershipEpoch + 1
        perform(step)
    }

    mutating func perform(_ step: CoordinatorChange) {
        map.apply(step)
        if step.membershipEpoch != 0 { membershipEpoch = step.membershipEpoch }
        if step.nextPartition != 0 { nextPartition = step.nextPartition }
        change.append(step)
    }

    private func check(_ request: TableRequest) throws(CoordinationError) {
        guard !request.name.isEmpty, request.name.utf8.count <= Self.tableNameBytes else {
            throw CoordinationError(
                .invalidDeclaration,
                "a table's name has 1 to \(Self.tableNameBytes) bytes, not \(request.name.utf8.count)")
        }
        guard !request.name.hasPrefix(ReservedTables.prefix) || ReservedTables.known.contains(request.name) else {
            throw CoordinationError(
                .invalidDeclaration,
                "table \(request.name): names that begin with \(ReservedTables.prefix) are reserved"
            )
        }
        guard request.declaration.count <= configuration.declarationBytes else {
            throw CoordinationError(
                .invalidDeclaration,
                "table \(request.name) is declared in \(request.declaration.count) bytes, the limit is \(configuration.declarationBytes)"
            )
        }
        guard !request.partitionByteCounts.isEmpty else {
            throw CoordinationError(.invalidDeclaration, "table \(request.name) has no partition")
        }
        guard (0..<configuration.servers).contains(request.replicas) else {
            throw CoordinationError(
                .invalidDeclaration,
                "table \(request.name): \(request.replicas) followers a partition, expected 0 to \(configuration.servers - 1)"
            )
        }
    }

    private func check(_ request: TableRequest, declares table: PartitionMap.Table) throws(CoordinationError) {
        guard table.declaration == request.declaration,
            table.partitions.map(\.byteCount) == request.partitionByteCounts, table.replicas == request.replicas
        else { throw Self.conflict(request.name) }
    }

    private static func conflict(_ table: String) -> CoordinationError {
        CoordinationError(.conflictingDeclaration, "table \(table) is declared already, and otherwise")
    }

    private static let tableNameBytes = 256
}
