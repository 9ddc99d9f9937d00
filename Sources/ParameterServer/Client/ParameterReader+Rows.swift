import Coordination
import MeshWire
public import Tensor

extension ParameterReader {
    /// Rows of a row table as they are now, in the order of their keys, as ``ParameterClient/pull(rows:of:)`` gives them.
    ///
    /// - Returns: float32 `[keys, width]`.
    /// - Throws: ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` for a dense table, `rowOutOfRange`,
    ///   `coordination`, `callFailed` or what a server answers.
    public func pull(rows keys: [UInt64], of table: String) async throws(ParameterServerError) -> AnyTensor {
        let deadline = runtime.now.advanced(by: configuration.timeout)
        let routes = TableRoutes(coordination, clients, callBytes: configuration.callBytes)
        defer { routes.close() }
        try routes.install(try await map(), named: [table])
        let request = try RowRequest([table: keys], in: try routes.tables())
        let parts =
            request.partitions.isEmpty
            ? [:]
            : try await ParameterPull(routes: routes, deadline: deadline, keys: request.partitions)
                .parts(minimums: [:])
        do throws(TensorError) {
            return try request.rows(of: parts.mapValues(\.values)).tensor(named: table)
        } catch {
            throw ParameterServerError(.callFailed, "the rows cannot be put together: \(error.message)", cause: error)
        }
    }
}
