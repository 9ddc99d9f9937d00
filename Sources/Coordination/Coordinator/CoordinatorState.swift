package import Identity
package import MeshWire

/// Everything that a coordinator knows: sessions, servers and the partition map. A state machine without I/O, clock or
/// generator; the same calls in the same order give the same state.
package struct CoordinatorState: Sendable {
    /// A session that was opened, and what it changed.
    package struct Opening: Sendable {
        package var record: SessionTable.Record
        package var membershipEpoch: UInt64
    }

    private let configuration: CoordinatorConfiguration
    private var sessions: SessionTable
    /// The map as workers and servers get it.
    package private(set) var map = PartitionMap()
    /// Rises on every join and leave of a worker or a server.
    package private(set) var membershipEpoch: UInt64 = 0
    private var nextPartition: UInt64 = 1

    package init(_ configuration: CoordinatorConfiguration, firstOrdinal: UInt64) {
        self.configuration = configuration
        sessions = SessionTable(slots: configuration.slots, lease: configuration.lease, firstOrdinal: firstOrdinal)
    }

    /// The newest session of each slot.
    package var fence: SessionFence { sessions.fence }

    /// Opens a session; see ``SessionTable/open(slot:owner:request:randomBits:now:)``.
    package mutating func openSession(
        slot: Int?, owner: SPIFFEID, request: UInt64, randomBits: UInt64, now: RuntimeInstant
    ) throws(CoordinationError) -> Opening {
        let before = sessions.fence
        let record = try sessions.open(slot: slot, owner: owner, request: request, randomBits: randomBits, now: now)
        if sessions.fence != before { membershipEpoch += 1 }
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
        if lived { membershipEpoch += 1 }
        return lived
    }

    /// Ends the sessions whose leases are over.
    package mutating func expireSessions(now: RuntimeInstant) -> [SessionTable.Record] {
        let ended = sessions.expire(now: now)
        if !ended.isEmpty { membershipEpoch += 1 }
        return ended
    }

    /// Takes a server in, or back: one that restarted under its name heads the same partitions in a new epoch.
    ///
    /// - Throws: ``CoordinationError`` with `notOwner` if the name is another identity's, `limitReached`.
    package mutating func registerServer(_ server: ServerRecord) throws(CoordinationError) {
        guard let index = map.servers.firstIndex(where: { $0.name == server.name }) else {
            guard map.servers.count < configuration.servers else {
                throw CoordinationError(.limitReached, "\(configuration.servers) servers are registered, the limit")
            }
            map.servers.insert(server, at: map.servers.firstIndex { $0.name > server.name } ?? map.servers.count)
            serversChanged()
            return
        }
        let known = map.servers[index]
        guard known.identity == server.identity else {
            throw CoordinationError(
                .notOwner, "server \(server.name) is \(known.identity), \(server.identity) cannot take its name",
                peer: server.identity.description)
        }
        guard known != server else { return }
        map.servers[index] = server
        if known.life != server.life { raiseEpochs(of: server.name) }
        serversChanged()
    }

    /// Creates the tables that do not exist yet, all or none, and places their partitions.
    ///
    /// - Throws: ``CoordinationError`` with `invalidDeclaration`, `conflictingDeclaration`, `tooFewServers` or
    ///   `limitReached`; then nothing has changed.
    package mutating func declare(_ requests: [TableRequest]) throws(CoordinationError) {
        var missing: [TableRequest] = []
        for request in requests {
            try check(request)
            if let table = map.table(named: request.name) {
                try check(request, declares: table)
            } else if let other = missing.first(where: { $0.name == request.name }) {
                guard other == request else { throw Self.conflict(request.name) }
            } else {
                missing.append(request)
            }
        }
        guard !missing.isEmpty else { return }
        guard map.servers.count >= configuration.serversBeforePlacement else {
            throw CoordinationError(
                .tooFewServers,
                "\(map.servers.count) servers are registered, placement waits for \(configuration.serversBeforePlacement)"
            )
        }
        let total = map.tables.reduce(0) { $0 + $1.partitions.count }
        let added = missing.reduce(0) { $0 + $1.partitionByteCounts.count }
        guard total + added <= configuration.partitions else {
            throw CoordinationError(
                .limitReached, "\(added) partitions beside \(total) are over the limit of \(configuration.partitions)")
        }
        place(missing)
        map.version += 1
    }

    private mutating func place(_ requests: [TableRequest]) {
        let sizes = requests.flatMap(\.partitionByteCounts)
        let loads = map.servers.map { server in
            map.tables.reduce(UInt64(0)) { sum, table in
                table.partitions.reduce(sum) { $1.head == server.name ? $0 &+ $1.byteCount : $0 }
            }
        }
        var assignment = Placement.servers(forPartitionsOf: sizes, loads: loads)[...]
        for request in requests {
            var partitions: [PartitionMap.Partition] = []
            for (byteCount, server) in zip(request.partitionByteCounts, assignment) {
                partitions.append(
                    PartitionMap.Partition(
                        id: PartitionID(rawValue: nextPartition), head: map.servers[server].name, epoch: 1,
                        byteCount: byteCount))
                nextPartition += 1
            }
            assignment = assignment.dropFirst(partitions.count)
            map.tables.append(
                PartitionMap.Table(name: request.name, declaration: request.declaration, partitions: partitions))
        }
    }

    private mutating func serversChanged() {
        membershipEpoch += 1
        map.version += 1
    }

    private mutating func raiseEpochs(of server: String) {
        for table in map.tables.indices {
            for partition in map.tables[table].partitions.indices
            where map.tables[table].partitions[partition].head == server {
                map.tables[table].partitions[partition].epoch += 1
            }
        }
    }

    private func check(_ request: TableRequest) throws(CoordinationError) {
        guard !request.name.isEmpty, request.name.utf8.count <= Self.tableNameBytes else {
            throw CoordinationError(
                .invalidDeclaration,
                "a table's name has 1 to \(Self.tableNameBytes) bytes, not \(request.name.utf8.count)")
        }
        guard !request.name.hasPrefix(Self.reservedPrefix) else {
            throw CoordinationError(
                .invalidDeclaration, "table \(request.name): names that begin with \(Self.reservedPrefix) are reserved")
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
    }

    private func check(_ request: TableRequest, declares table: PartitionMap.Table) throws(CoordinationError) {
        guard table.declaration == request.declaration,
            table.partitions.map(\.byteCount) == request.partitionByteCounts
        else { throw Self.conflict(request.name) }
    }

    private static func conflict(_ table: String) -> CoordinationError {
        CoordinationError(.conflictingDeclaration, "table \(table) is declared already, and otherwise")
    }

    private static let tableNameBytes = 256
    private static let reservedPrefix = "meshwork."
}
