import Coordination
import MeshWire
import Synchronization
public import Tensor

extension ParameterClient {
    /// Rows of a declared row table, in the order of their keys.
    ///
    /// ```swift
    /// let rows = try await client.pull(rows: [7, 42, 7], of: "users")  // [3, width]
    /// ```
    /// A key may occur several times, and travels once. A row that does not exist is read as it would begin, and does
    /// not begin to exist. Each partition is consistent in itself, and not older than what this client has seen of it
    /// before.
    /// - Returns: float32 `[keys, width]`.
    /// - Throws: ``ParameterServerError`` with `unknownParameter` for a table that is not declared, `shapeMismatch`
    ///   for a dense one, `rowOutOfRange`, and as ``pull()``. Servers refuse partitions whose rows have more than
    ///   ``ParameterServerConfiguration/rowBytesPerPull`` together with `malformedRequest`.
    public func pull(rows keys: [UInt64], of table: String) async throws(ParameterServerError) -> AnyTensor {
        let rows = try await pull(rows: [table: keys])
        guard let rows = rows.tables[table] else {
            preconditionFailure("rows of \(table) were pulled and are not there")
        }
        return rows
    }

    /// Rows of several row tables at once, in the order of their keys, by table: see ``pull(rows:of:)``.
    public func pull(rows keys: [String: [UInt64]]) async throws(ParameterServerError) -> PulledRows {
        let request = try RowRequest(keys, in: try routes.tables())
        let seen = state.withLock { $0.seen }
        guard let hotRows else {
            let answers = try await answers(request.partitions, minimums: seen)
            let basis = pulled(answers.mapValues(\.version))
            return PulledRows(
                try assembling { () throws(TensorError) in try request.rows(of: answers.mapValues(\.values)) },
                basis: basis)
        }
        let lookup = hotRows.look(up: request.keys, seen: seen)
        let missing = try assembling { () throws(TensorError) in try RowRequest.tensors(lookup.missing) }
        let answers = try await answers(missing, minimums: seen)
        let rows = try assembling { () throws(TensorError) in
            try hotRows.complete(lookup, answers, request.declarations)
        }
        let basis = pulled(answers.mapValues(\.version), keeping: rows.mapValues(\.version))
        return PulledRows(
            try assembling { () throws(TensorError) in try request.rows(of: rows.mapValues(\.values)) }, basis: basis)
    }

    /// What partitions answer for some of their rows.
    private func answers(
        _ keys: [PartitionID: AnyTensor], minimums: [PartitionID: PartitionVersion]
    ) async throws(ParameterServerError) -> [PartitionID: (values: AnyTensor, version: PartitionVersion)] {
        guard !keys.isEmpty else { return [:] }
        let bound = state.withLock { $0.clock.bound(of: session.slot) }
        let pull = ParameterPull(
            routes: routes, deadline: deadline, keys: keys, bound: bound, encodings: pullEncodings,
            whenBehind: { [self] in await tellAgain() })
        return try await pull.parts(minimums: minimums)
            .mapValues { ($0.values, $0.version) }
    }
}

/// Puts rows together.
private func assembling<Result>(
    _ body: () throws(TensorError) -> Result
) throws(ParameterServerError) -> Result {
    do throws(TensorError) {
        return try body()
    } catch {
        throw ParameterServerError(.callFailed, "the rows cannot be put together: \(error.message)", cause: error)
    }
}

/// What rows of row tables are asked for, and where they are.
struct RowRequest {
    private struct Table {
        var name: String
        var width: Int
        /// For each key that is asked for, the partition and the place in its answer.
        var places: [(partition: PartitionID, place: Int)]
    }

    private var tables: [Table] = []
    /// The keys that each partition is asked for, each once.
    private(set) var keys: [PartitionID: [UInt64]] = [:]
    /// The same as tensors.
    private(set) var partitions: [PartitionID: AnyTensor] = [:]
    /// The table of each partition.
    private(set) var declarations: [PartitionID: TableDeclaration] = [:]

    init(_ keys: [String: [UInt64]], in set: TableSet) throws(ParameterServerError) {
        for name in keys.keys.sorted() where !set.tables.contains(where: { $0.name == name }) {
            throw ParameterServerError(.unknownParameter, "table \(name) is not declared")
        }
        let ids = Dictionary(
            set.shares.flatMap(\.places).map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
        for table in set.tables {
            guard let keys = keys[table.name] else { continue }
            guard let settings = table.rows else {
                throw ParameterServerError(.shapeMismatch, "table \(table.name) is dense: pull it whole")
            }
            if let limit = settings.keyLimit, let last = keys.max(), last >= limit {
                throw ParameterServerError(
                    .rowOutOfRange, "row \(last) of table \(table.name), whose keys are below \(limit)")
            }
            let homes = (0..<table.partitionCount).map { ids[PartitionName(table: table.name, index: $0)] }
            var asked: [PartitionID: [UInt64]] = [:]
            var known: [UInt64: (PartitionID, Int)] = [:]
            var places: [(PartitionID, Int)] = []
            for key in keys {
                if let place = known[key] {
                    places.append(place)
                    continue
                }
                guard let home = homes[table.partition(ofRow: key)] else {
                    throw ParameterServerError(
                        .unknownParameter, "a partition of table \(table.name) has no server that is known")
                }
                let place = (home, asked[home]?.count ?? 0)
                asked[home, default: []].append(key)
                known[key] = place
                places.append(place)
            }
            for (partition, keys) in asked {
                self.keys[partition] = keys
                declarations[partition] = table
            }
            tables.append(Table(name: table.name, width: table.shape.elementCount, places: places))
        }
        partitions = try assembling { [keys = self.keys] () throws(TensorError) in try Self.tensors(keys) }
    }

    /// Keys as they are sent.
    static func tensors(_ keys: [PartitionID: [UInt64]]) throws(TensorError) -> [PartitionID: AnyTensor] {
        var tensors: [PartitionID: AnyTensor] = [:]
        for (partition, keys) in keys { tensors[partition] = try AnyTensor(keys, shape: [keys.count]) }
        return tensors
    }

    /// The rows of each table in the order in which they were asked for.
    func rows(of answers: [PartitionID: AnyTensor]) throws(TensorError) -> NamedTensors {
        var result = NamedTensors()
        for table in tables {
            let rowBytes = table.width * DType.float32.byteWidth
            var rows = try AnyTensor.zeros([table.places.count, table.width])
            // Contiguous, as answers are: each is reached without a copy.
            rows.withMutableBytes { target in
                for (number, place) in table.places.enumerated() {
                    answers[place.partition]?.withBytes { source in
                        // Safe: each answer was checked to have the rows that its partition was asked for.
                        unsafe UnsafeMutableRawBufferPointer(
                            rebasing: target[number * rowBytes..<(number + 1) * rowBytes]
                        ).copyMemory(
                            from: UnsafeRawBufferPointer(
                                rebasing: source[place.place * rowBytes..<(place.place + 1) * rowBytes]))
                    }
                }
            }
            result[table.name] = rows
        }
        return result
    }
}
