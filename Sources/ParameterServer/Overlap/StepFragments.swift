import MeshWire

/// Which gradients of a step leave together, and when, as they are computed one after the other. A value without I/O.
///
/// Gradients become final from the last layer to the first, and the next step needs the first layer first. Small ones
/// are fused until they are worth a call. The first tables, as many as a fragment holds, are fragments of their own
/// with the urgent priority, so that they overtake what is still on its way of the layers behind them.
struct StepFragments: Sendable {
    /// Tables whose gradients leave together.
    struct Fragment: Sendable, Equatable {
        /// In the order in which their gradients came.
        var tables: [Int] = []
        var byteCount = 0
        var priority = CallPriority.normal
    }

    private let fragmentBytes: Int
    /// The tables below this one are the first.
    private let firstTables: Int
    private var first = Fragment(priority: .urgent)
    private var others = Fragment()
    private var isComplete = false

    /// - Parameters:
    ///   - tableBytes: the bytes of each table, in the order in which the model needs them.
    ///   - fragmentBytes: what is worth a call. Where the model has no more, no table is before the others.
    init(tableBytes: [Int], fragmentBytes: Int) {
        self.fragmentBytes = fragmentBytes
        guard tableBytes.reduce(0, +) > fragmentBytes else {
            firstTables = 0
            return
        }
        var offset = 0
        firstTables =
            tableBytes.firstIndex { bytes in
                defer { offset += bytes }
                return offset >= fragmentBytes
            } ?? tableBytes.count
    }

    /// The gradient of a table is there.
    mutating func add(_ table: Int, byteCount: Int) {
        func append(to fragment: inout Fragment) {
            fragment.tables.append(table)
            fragment.byteCount += byteCount
        }
        if table < firstTables { append(to: &first) } else { append(to: &others) }
    }

    /// No more gradients come: what is left is worth a call.
    mutating func complete() { isComplete = true }

    /// The fragment that shall leave next, if there is one.
    mutating func next() -> Fragment? {
        take(&first) ?? take(&others)
    }

    private func take(_ fragment: inout Fragment) -> Fragment? {
        guard fragment.byteCount >= fragmentBytes || isComplete && !fragment.tables.isEmpty else { return nil }
        defer { fragment = Fragment(priority: fragment.priority) }
        return fragment
    }
}
