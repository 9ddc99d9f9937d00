import Coordination
import MeshWire

extension ParameterPull {
    /// Fetches again what has closed fewer rounds than others, until all are of the same: a gradient is never of the
    /// parameters of two rounds.
    ///
    /// While others go on without this worker, what is fetched again may be ahead of the rest then; it goes on until
    /// the deadline.
    /// - Returns: the round.
    /// - Throws: ``ParameterServerError`` with `roundStalled` at the deadline, and as ``parts(minimums:of:round:)``.
    func alignRounds(
        _ found: inout [PartitionID: Part], _ tables: TableSet, _ minimums: [PartitionID: PartitionVersion]
    ) async throws(ParameterServerError) -> UInt64 {
        var wait = Duration.milliseconds(5)
        while true {
            let own = found.values.filter { tables.tables[$0.place.table].takesRounds }
            let newest = own.compactMap(\.round).max()
            let behind = own.filter { $0.round == nil || $0.round != newest }
            if let newest, behind.isEmpty { return newest }
            let runtime = routes.clients.runtime
            guard runtime.now.advanced(by: wait) < deadline, !Task.isCancelled else {
                let names = behind.map(\.place.name.description).sorted().prefix(8).joined(separator: ", ")
                throw ParameterServerError(
                    .roundStalled,
                    "the partitions have not all closed round \(newest ?? 0): \(names) \(behind.count == 1 ? "is" : "are") behind, or begin and have not heard from the round leader"
                )
            }
            if newest == nil {
                // They begin, and hear from the leader in a moment.
                try? await runtime.sleep(for: wait)
                wait = min(wait * 2, .milliseconds(100))
            }
            found.merge(
                try await parts(minimums: minimums, of: Set(behind.map(\.place.id)), round: newest ?? 0)
            ) { $1 }
        }
    }
}
