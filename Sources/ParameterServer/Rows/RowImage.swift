import MeshWire

/// A row table as it is written: its slabs and counters as they lie in memory, and what goes with them.
struct RowImage: Sendable {
    var nextSwept: UInt64 = 0
    var additions: UInt64 = 0
    /// See ``RowLayout``.
    var slabs: [Segment] = []
    /// See ``AdmissionCounters``.
    var counters: [Segment] = []
}
