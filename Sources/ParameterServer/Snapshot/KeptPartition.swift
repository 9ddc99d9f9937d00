import Coordination
import Tensor

/// A partition as it was at one moment, kept for readers.
struct KeptPartition: Sendable {
    private enum Values: Sendable {
        /// Where they lie: the partition's next push copies what it changes.
        case dense(AnyTensor)
        /// Held, and let go of where they cost too much.
        case rows(HeldRows)
    }

    let id: PartitionID
    let name: PartitionName
    let table: TableDeclaration
    let version: PartitionVersion
    private let held: Values

    /// A partition as it is.
    init(_ state: PartitionState) {
        id = state.id
        name = state.name
        table = state.table
        version = state.version
        held = state.rows.map { .rows(state.rowSnapshots.take($0)) } ?? .dense(state.parameters)
    }

    /// What it keeps in memory at most, rows not counted.
    var byteCount: Int {
        if case .dense(let parameters) = held { parameters.byteCount } else { 0 }
    }

    /// The elements, or the rows of `keys`, which have no fault; with one axis.
    ///
    /// - Throws: ``ParameterServerError`` with `snapshotRevoked` for rows that were let go of, `busy` where there is
    ///   no memory for them.
    func values(of keys: AnyTensor?) throws(ParameterServerError) -> AnyTensor {
        switch held {
        case .dense(let parameters): return parameters
        case .rows(let rows):
            guard let rows = rows.table, let keys else {
                throw ParameterServerError(
                    .snapshotRevoked,
                    "partition \(name): too many snapshots of its rows were taken, or too many rows have changed since: take another, or raise ParameterServerConfiguration.rowSnapshots"
                )
            }
            do throws(TensorError) {
                return try table.values(of: keys, in: rows, clock: version.applied)
            } catch {
                throw ParameterServerError(.busy, "partition \(name): \(error.message)", cause: error)
            }
        }
    }
}
