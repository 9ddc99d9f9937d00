/// How much a server keeps and sends for the followers of its partitions.
public struct ReplicationConfiguration: Sendable, Hashable {
    /// The most bytes of records of the partitions that a server heads that not all their followers have; at the limit
    /// pushes are refused with `busy`. A record by which a partition goes back to a checkpoint is taken whatever the
    /// others are, so that there may be twice as much then, and refused if it is larger by itself. A follower keeps no
    /// more than the heads of its partitions do. Default 256 MiB.
    public var uncommittedBytes = 256 << 20
    /// The most bytes of records of a partition that are kept for a server that joins; one that is slower is sent a
    /// newer snapshot, and so is one whose partition goes back to a larger checkpoint. Default 64 MiB.
    public var joiningBytes = 64 << 20
    /// How fast a server sends snapshots to servers that join, all together, in bytes a second: what it leaves of the
    /// network is for training. Default 64 MiB.
    public var seedingBytesPerSecond = 64 << 20
    /// How long a follower may be silent while records wait for it, before its server reports it to the coordinator.
    /// Default 500 ms.
    public var patience: Duration = .milliseconds(500)

    /// How long a follower may be out of reach or silent, though the coordinator reaches it, before the partitions of
    /// this server that wait for it go on without it. Default 2 s, a little more than the coordinator takes to notice
    /// that a server is lost.
    public var followerTimeout: Duration = .seconds(2)

    /// Makes the defaults.
    public init() {}

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        var problems: [String] = []
        for (name, value) in [
            ("uncommittedBytes", uncommittedBytes), ("joiningBytes", joiningBytes),
            ("seedingBytesPerSecond", seedingBytesPerSecond),
        ] where value < 1 << 10 {
            problems.append("replication.\(name) must be at least 1,024, is \(value)")
        }
        if patience < .milliseconds(10) {
            problems.append("replication.patience must be at least 10 ms, is \(patience)")
        }
        if followerTimeout < patience {
            problems.append("replication.followerTimeout must be at least replication.patience, is \(followerTimeout)")
        }
        return problems
    }
}
