import Coordination
import MeshWire
import Tensor

/// The tables of a model with the places of their partitions, as a client works with them. A value.
struct TableSet: Sendable {
    /// One partition of one table.
    struct Place: Sendable, Hashable {
        var id: PartitionID
        var name: PartitionName
        /// Which of the tables it belongs to.
        var table: Int
        /// Its elements in the table, in row-major order; none of a row table.
        var elements: Range<Int>
        /// The partition's epoch in the map.
        var epoch: UInt64
        var byteCount: Int { elements.count * DType.float32.byteWidth }
    }

    /// The partitions that are pushed to or pulled from in one call.
    struct Share: Sendable {
        var server: ServerRecord
        var places: [Place]
        /// The version of the map that says so.
        var mapVersion: UInt64 = 0
    }

    /// The tables, in the order in which they were declared.
    let tables: [TableDeclaration]
    /// Their names.
    let names: Set<String>
    private let hasRows: Bool
    /// Whether any of them takes steps in rounds.
    let hasRounds: Bool
    /// The calls that together reach every partition once: at least one for each server, in the order of servers.
    let shares: [Share]
    private let callBytes: Int
    private let callPartitions: Int

    /// - Parameters:
    ///   - callBytes: the most bytes of parameters in one call, unless one partition has more.
    ///   - callPartitions: the most partitions in one call.
    /// - Throws: ``ParameterServerError/Code/invalidDeclaration`` for a map that contradicts a declaration.
    init(
        _ tables: [TableDeclaration], in map: PartitionMap, callBytes: Int, callPartitions: Int = mostCallPartitions
    ) throws(ParameterServerError) {
        var places: [String: [Place]] = [:]
        for (index, declaration) in tables.enumerated() {
            guard let table = map.table(named: declaration.name),
                table.partitions.count == declaration.partitionCount
            else {
                throw ParameterServerError(
                    .invalidDeclaration, "table \(declaration.name) is not in the partition map as it was declared")
            }
            for (part, partition) in table.partitions.enumerated() {
                places[partition.head, default: []].append(
                    Place(
                        id: partition.id, name: PartitionName(table: table.name, index: part), table: index,
                        elements: declaration.elements(ofPartition: part), epoch: partition.epoch))
            }
        }
        self.tables = tables
        names = Set(tables.lazy.map(\.name))
        hasRows = tables.contains { $0.rows != nil }
        hasRounds = tables.contains(where: \.takesRounds)
        self.callBytes = callBytes
        self.callPartitions = callPartitions
        shares = map.servers.flatMap { server in
            (places[server.name] ?? []).parts(ofBytes: callBytes, elements: callPartitions, \.byteCount).map {
                Share(server: server, places: $0, mapVersion: map.version)
            }
        }
    }

    /// The tables of a map as they were declared: all but those that lead rounds, or those of these names.
    ///
    /// - Throws: ``ParameterServerError/Code/unknownParameter`` for a name that is not in the map;
    ///   ``ParameterServerError/Code/invalidDeclaration``, which names every table that cannot be read.
    init(
        _ map: PartitionMap, named names: [String]? = nil, callBytes: Int, callPartitions: Int = mostCallPartitions
    ) throws(ParameterServerError) {
        for name in names ?? [] where map.table(named: name) == nil {
            throw ParameterServerError(.unknownParameter, "table \(name) is not declared")
        }
        var tables: [TableDeclaration] = []
        var problems: [ParameterServerError] = []
        let wanted = names.map(Set.init)
        for table in map.tables where wanted?.contains(table.name) ?? !table.name.hasPrefix(ReservedTables.prefix) {
            do throws(ParameterServerError) {
                tables.append(try TableDeclaration(of: table))
            } catch {
                problems.append(error)
            }
        }
        guard problems.isEmpty else {
            throw ParameterServerError(
                .invalidDeclaration, problems.map(\.message).joined(separator: "; "), cause: problems[0].cause)
        }
        try self.init(tables, in: map, callBytes: callBytes, callPartitions: callPartitions)
    }

    /// The calls in which pushes leave.
    func calls(_ pushes: [NumberedPush], from session: WorkerSession) -> [PushCall] {
        wholeStep(pushes, from: session) ?? someCalls(pushes, from: session)
    }

    /// The calls of a step that has a push for each place, in the places' order, as a step's first attempt does; not of
    /// steps with rows, whose bytes no place tells.
    private func wholeStep(_ pushes: [NumberedPush], from session: WorkerSession) -> [PushCall]? {
        guard !hasRows else { return nil }
        var calls: [PushCall] = []
        var rest = pushes[...]
        for share in shares {
            let own = rest.prefix(share.places.count)
            guard own.lazy.map(\.identity.partition).elementsEqual(share.places.lazy.map(\.id)) else { return nil }
            calls.append(PushCall(Array(own), to: share, from: session))
            rest = rest.dropFirst(own.count)
        }
        return rest.isEmpty ? calls : nil
    }

    private func someCalls(_ pushes: [NumberedPush], from session: WorkerSession) -> [PushCall] {
        let byPartition = Dictionary(pushes.map { ($0.identity.partition, $0) }) { first, _ in first }
        return shares.flatMap { share in
            share.places.filter { byPartition[$0.id] != nil }.parts(ofBytes: callBytes, elements: callPartitions) {
                byPartition[$0.id]?.byteCount ?? 0
            }.map { places in
                let own = Share(server: share.server, places: places, mapVersion: share.mapVersion)
                return PushCall(places.compactMap { byPartition[$0.id] }, to: own, from: session)
            }
        }
    }

    /// The shares of these partitions alone, each of a call.
    ///
    /// - Parameter byteCount: the bytes of a partition's answer.
    func shares(of partitions: Set<PartitionID>, _ byteCount: (Place) -> Int = \.byteCount) -> [Share] {
        shares.flatMap { share in
            let places = share.places.filter { partitions.contains($0.id) }
            return places.parts(ofBytes: callBytes, elements: callPartitions, byteCount).map {
                Share(server: share.server, places: $0, mapVersion: share.mapVersion)
            }
        }
    }

    /// The most partitions of a call by default: what is said of them takes a small part of a message's head.
    static let mostCallPartitions = 1_024

    /// The most partitions of a call that these limits have room for, the reasons included that a server refuses their
    /// pushes for.
    static func callPartitions(within limits: WireLimits) -> Int {
        let most = min(limits.messageHeadBytes / 256, limits.deduplicationEntries, limits.segments / 2)
        return max(1, min(mostCallPartitions, most))
    }
}
