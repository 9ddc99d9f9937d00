/// How many snapshots a server keeps for readers, what they may cost and for how long it keeps one that nobody asks
/// for.
public struct SnapshotConfiguration: Sendable, Hashable {
    /// The most snapshots of a server at a time; where another is asked for, the oldest is revoked. Default 8.
    public var count = 8
    /// The most bytes of dense tables' partitions in a server's snapshots, each version of a partition counted once
    /// however many have it; beyond, the oldest are revoked. What rows may cost
    /// ``ParameterServerConfiguration/rowSnapshots`` says. Default 1 GiB.
    public var bytes = 1 << 30
    /// The longest lease of a snapshot: a reader that dies leaves it for so long. Default 10 minutes.
    public var longestLease: Duration = .seconds(600)

    /// Makes the defaults.
    public init() {}

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        var problems = [("snapshots.count", count), ("snapshots.bytes", bytes)].filter { $0.1 < 1 }
            .map { "\($0.0) must be at least 1, is \($0.1)" }
        if longestLease < .seconds(1) {
            problems.append("snapshots.longestLease must be at least 1 s, is \(longestLease)")
        }
        return problems
    }
}
