import MeshWire

/// A row table as it is written: its slabs and counters as they lie in memory, and what goes with them.
struct RowImage: Sendable {
    var nextSwept: UInt64 = 0
    var additions: UInt64 = 0
    /// Slabs in their order, one or several a segment: see ``RowLayout``.
    var slabs: [Segment] = []
    /// Pages in their order, one or several a segment: see ``AdmissionCounters``.
    var counters: [Segment] = []

    var byteCount: Int { (slabs + counters).reduce(0) { $0 + $1.count } }
}
