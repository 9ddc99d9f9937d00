import Coordination
import Identity
import MeshTransport
import MeshWire
import Tensor

/// Fetches all partitions of the dense tables of a set and puts the tables together, or rows of the others.
struct ParameterPull: Sendable {
    let routes: TableRoutes
    let deadline: RuntimeInstant
    /// The rows to fetch of each partition that has some of them; empty to fetch dense tables.
    var keys: [PartitionID: AnyTensor] = [:]
    /// Which dense tables to fetch; `nil` for all.
    var tables: Set<String>?
    /// What of a connection's large answers comes first.
    var priority = CallPriority.normal
    /// How far the other workers must be, with bounded staleness.
    var bound: ClockBound?
    /// How values are to come, by table; as float32 where nothing is said.
    var encodings: [String: GradientEncoding] = [:]
    /// Done before others are waited for again.
    var whenBehind: @Sendable () async -> Void = {}
    var isolation = ReadIsolation.uncommitted
    /// The snapshot to fetch from; `nil` to fetch what is there now.
    var snapshot: UInt64?

    /// What was pulled.
    struct Result: Sendable {
        var parameters: NamedTensors
        /// The version of each partition that the values are of.
        var versions: [PartitionID: PartitionVersion]
        /// The round that all tables with rounds have closed; `nil` where none has.
        var round: UInt64?
    }

    typealias Part = (place: TableSet.Place, values: AnyTensor, version: PartitionVersion, round: UInt64?)

    /// Fetches the dense tables.
    ///
    /// - Parameter minimums: the version that a partition must have reached; none for those that are not named.
    func run(minimums: [PartitionID: PartitionVersion]) async throws(ParameterServerError) -> Result {
        let tables = try routes.tables()
        var found = try await parts(minimums: minimums)
        // A snapshot is of one moment for each partition, and not of a round.
        let round = tables.hasRounds && snapshot == nil ? try await alignRounds(&found, tables, minimums) : nil
        var parts: [[Part]] = Array(repeating: [], count: tables.tables.count)
        for place in tables.shares.flatMap(\.places) {
            if let part = found[place.id] { parts[place.table].append(part) }
        }
        var parameters = NamedTensors()
        for (table, parts) in zip(tables.tables, parts) where isFetched(table) {
            do throws(TensorError) {
                parameters[table.name] = try Self.assemble(parts, table)
            } catch {
                throw ParameterServerError(.callFailed, "table \(table.name): \(error.message)", cause: error)
            }
        }
        return Result(parameters: parameters, versions: found.mapValues(\.version), round: round)
    }

    /// Asks all servers at once, and again for what nobody answered.
    ///
    /// - Parameters:
    ///   - partitions: whose parts to fetch; default all that are asked for.
    ///   - round: what the partitions must have closed.
    func parts(
        minimums: [PartitionID: PartitionVersion], of partitions: Set<PartitionID> = [], round: UInt64 = 0
    ) async throws(ParameterServerError) -> [PartitionID: Part] {
        let tables = try routes.tables()
        var found: [PartitionID: Part] = [:]
        var missing = partitions.isEmpty ? Set(keys.keys) : partitions
        if missing.isEmpty {
            missing = Set(
                tables.shares.flatMap(\.places).filter { isFetched(tables.tables[$0.table]) }.map(\.id))
        }
        var failure: ParameterServerError?
        var behind: ParameterServerError?
        try await routes.retrying(until: deadline) { tables, time throws(ParameterServerError) in
            failure = nil
            var isBehind = false
            let shares = tables.shares(of: missing) { valueCount(of: $0, tables) * DType.float32.byteWidth }
            for answer in await fetch(shares, tables, minimums, round: round, timeout: time) {
                do throws(ParameterServerError) {
                    for part in try answer.get() {
                        found[part.place.id] = part
                        missing.remove(part.place.id)
                    }
                } catch {
                    // The last attempt had no time left to be told again who is waited for.
                    if let behind, (error.cause as? MeshError)?.code == .deadlineExceeded { throw behind }
                    guard error.mayBeAnsweredElsewhere else { throw error }
                    failure = failure ?? error
                    guard error.code == .staleClock else { continue }
                    (behind, isBehind) = (error, true)
                }
            }
            if isBehind { await whenBehind() }
            return failure != nil
        }
        if let failure { throw failure }
        return found
    }

    /// Whether a table is one of the dense ones to fetch.
    private func isFetched(_ table: TableDeclaration) -> Bool {
        table.rows == nil && tables?.contains(table.name) ?? true
    }

    /// The values that a partition answers with.
    private func valueCount(of place: TableSet.Place, _ tables: TableSet) -> Int {
        keys[place.id].map { $0.elementCount * tables.tables[place.table].shape.elementCount } ?? place.elements.count
    }

    private func fetch(
        _ shares: [TableSet.Share], _ tables: TableSet, _ minimums: [PartitionID: PartitionVersion], round: UInt64,
        timeout: Duration
    ) async -> [Swift.Result<[Part], ParameterServerError>] {
        await shares.mapAllAtOnce { await fetch($0, tables, minimums, round: round, timeout: timeout) }
    }

    private func fetch(
        _ share: TableSet.Share, _ tables: TableSet, _ minimums: [PartitionID: PartitionVersion], round: UInt64,
        timeout: Duration
    ) async -> Swift.Result<[Part], ParameterServerError> {
        let request = PullRequest(
            share.places.map {
                var entry = PullRequest.Entry(
                    partition: $0.id, minimum: minimums[$0.id] ?? PartitionVersion(epoch: 0, applied: 0), round: round,
                    isCommitted: isolation == .committed, snapshot: snapshot)
                entry.encoding = encodings[$0.name.table]?.rawValue ?? 0
                return entry
            }, keys: keys.isEmpty ? [] : share.places.map { keys[$0.id].map { Segment($0) } ?? Segment(copying: []) },
            bound: bound)
        do throws(ParameterServerError) {
            let response = try await routes.call(share) { (client) throws(MeshError) in
                try await client.call(ParameterService.pull, request, timeout: timeout, priority: priority)
            }
            return .success(try parts(share, tables, response))
        } catch {
            return .failure(error)
        }
    }

    private func parts(
        _ share: TableSet.Share, _ tables: TableSet, _ response: PullResponse
    ) throws(ParameterServerError) -> [Part] {
        func wrong(_ message: String) -> ParameterServerError {
            ParameterServerError(.callFailed, message, peer: share.server.identity.description)
        }
        guard response.versions.count == share.places.count else {
            throw wrong("\(share.places.count) partitions were asked for, \(response.versions.count) answered")
        }
        var parts: [Part] = []
        for (index, place) in share.places.enumerated() {
            let count = valueCount(of: place, tables)
            let dtype = encodings[place.name.table]?.halfFloats ?? .float32
            guard let values = try? response.parameters[index].floats(from: dtype), values.elementCount == count else {
                throw wrong("partition \(place.name): expected \(count) \(dtype) values")
            }
            parts.append((place, values, response.versions[index], response.round(ofEntry: index)))
        }
        return parts
    }

    /// A table of its parts, which together are the whole. A table of one part is not copied.
    private static func assemble(_ parts: [Part], _ table: TableDeclaration) throws(TensorError) -> AnyTensor {
        if parts.count == 1, let only = parts.first { return try only.values.reshaped(to: table.shape) }
        let inOrder = parts.sorted { $0.place.elements.lowerBound < $1.place.elements.lowerBound }
        return try AnyTensor.concatenate(inOrder.map(\.values)).reshaped(to: table.shape)
    }
}
