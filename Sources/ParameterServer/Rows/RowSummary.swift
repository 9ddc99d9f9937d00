import MeshWire

/// What the rows of a partition come to, for people who look at one.
package struct RowSummary: Sendable, Hashable {
    /// Those that exist, and those that have expired and not been found yet.
    package var rowCount = 0
    package var slabCount = 0
    /// The bytes of slabs and counters.
    package var byteCount = 0
    /// The keys of the first rows, in the order of their places.
    package var firstKeys: [UInt64] = []
}

extension PartitionSnapshot {
    /// Of a row table's partition, with so many keys; `nil` of a dense one's.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotRevoked``.
    package func rowSummary(of table: TableDeclaration, keys: Int) throws(ParameterServerError) -> RowSummary? {
        guard let image = try rows?.image() else { return nil }
        let layout = table.rowLayout
        var summary = RowSummary(byteCount: image.byteCount)
        for slab in image.slabs.lazy.flatMap({ $0.parts(of: layout.slabBytes) }) {
            summary.slabCount += 1
            unsafe slab.withUnsafeBytes { bytes in
                unsafe layout.forEachRow(of: bytes) { _, row in
                    summary.rowCount += 1
                    guard summary.firstKeys.count < keys else { return }
                    // Safe: a row begins with its key.
                    summary.firstKeys.append(unsafe row.load(as: UInt64.self))
                }
            }
        }
        return summary
    }
}
