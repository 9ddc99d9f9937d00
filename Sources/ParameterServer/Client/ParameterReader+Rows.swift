import Coordination
public import Tensor

extension ParameterReader {
    /// Rows of a row table, in the order of their keys, as ``ParameterClient/pull(rows:of:)`` gives them.
    ///
    /// - Parameter isolation: which state may be shown; default the newest.
    /// - Returns: float32 `[keys, width]`.
    /// - Throws: ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` for a dense table, `rowOutOfRange`,
    ///   `coordination`, `callFailed` or what a server answers.
    public func pull(
        rows keys: [UInt64], of table: String, isolation: ReadIsolation = .uncommitted
    ) async throws(ParameterServerError) -> AnyTensor {
        let routes = try await self.routes(to: [table])
        defer { routes.close() }
        let (rows, versions) = try await RowRequest([table: keys], in: try routes.tables()).pull(
            ParameterPull(routes: routes, deadline: deadline, isolation: isolation), minimums: seenVersions)
        saw(versions)
        guard let rows = rows[table] else { preconditionFailure("rows of \(table) were pulled and are not there") }
        return rows
    }
}

extension RowRequest {
    /// Pulls what is asked for, and puts it together; no call is made where that is nothing.
    func pull(
        _ pull: ParameterPull, minimums: [PartitionID: PartitionVersion]
    ) async throws(ParameterServerError) -> (rows: NamedTensors, versions: [PartitionID: PartitionVersion]) {
        var pull = pull
        pull.keys = partitions
        let parts = partitions.isEmpty ? [:] : try await pull.parts(minimums: minimums)
        do throws(TensorError) {
            return (try rows(of: parts.mapValues(\.values)), parts.mapValues(\.version))
        } catch {
            throw ParameterServerError(.callFailed, "the rows cannot be put together: \(error.message)", cause: error)
        }
    }
}
