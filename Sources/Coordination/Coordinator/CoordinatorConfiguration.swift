/// What a coordinator needs to know of its job.
public struct CoordinatorConfiguration: Sendable, Hashable {
    /// How many workers push at a time: slots 0 ..< `slots`. Default 16.
    public var slots = 16
    /// How long a session lives after its last sign of life. Clients renew it three times as often. Default 15 s: long
    /// enough for a busy machine, short against a training run.
    public var lease: Duration = .seconds(15)
    /// How many servers must have registered before the first table is placed; more may join later. Default 1.
    public var serversBeforePlacement = 1
    /// How long opening or ending a session waits for the servers to take the new fence. Servers that are later are
    /// named as unknown. Default 2 s.
    public var fenceTimeout: Duration = .seconds(2)
    /// How long a change waits until the store has it, at most as long as its caller waits. Default 5 s: a disk under
    /// load takes one.
    public var commitTimeout: Duration = .seconds(5)
    /// The folder where an ``EmbeddedStore`` keeps what must outlive the coordinator; the folder above it must be
    /// there. Default `nil`: nothing outlives it, and a new coordinator needs new servers and workers.
    public var folder: String?
    /// How much longer than a lease sessions and servers live without a sign of life after the coordinator was
    /// restarted: they wait between attempts to reach it. Default 15 s.
    public var restartGrace: Duration = .seconds(15)
    /// How often servers give a sign of life. Default 250 ms.
    public var serverHeartbeat: Duration = .milliseconds(250)
    /// How long a server counts as living after a sign of life. Then the partitions that it heads go to their
    /// followers. Default 1.5 s, six heartbeats: with one more until it is looked at, a server that has stopped is
    /// noticed within 2 s. Nothing is lost by a server that was only slow: it comes back as a follower.
    public var serverLease: Duration = .milliseconds(1_500)
    /// How long the coordinator waits for the answer of a server that was reported lost; without two in a row it is
    /// lost. Default 300 ms.
    public var probeTimeout: Duration = .milliseconds(300)
    /// How many partitions a server is given at a time, to become their follower. Default 4.
    public var joiningPerServer = 4
    /// The most partitions of all tables together. Default 131,072, whose map takes some 60 MB of memory.
    public var partitions = 131_072
    /// The most servers. Default 1,024.
    public var servers = 1_024
    /// The most bytes of one table's declaration. Default 64 KiB.
    public var declarationBytes = 64 << 10
    /// The most bytes that clients make the coordinator hold which declare more tables than one message has room for,
    /// all together, until their last ones are there. Default 256 MiB: ten times 100,000 tables. One that finds no room
    /// is told so and comes again.
    public var heldDeclarationBytes = 256 << 20
    /// What the tables of one owner may take together. Default none.
    public var namespaces: [TableNamespace] = []
    /// Who may create which tables. Default: whoever may call `DeclareTables`.
    public var tablePolicy = TablePolicy.unrestricted

    /// Makes the defaults.
    public init() {}

    /// Throws ``CoordinationError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(CoordinationError) {
        var problems: [String] = []
        for (name, count) in [
            ("slots", slots), ("serversBeforePlacement", serversBeforePlacement), ("partitions", partitions),
            ("servers", servers), ("declarationBytes", declarationBytes), ("joiningPerServer", joiningPerServer),
            ("heldDeclarationBytes", heldDeclarationBytes),
        ] where count < 1 {
            problems.append("\(name) must be at least 1, is \(count)")
        }
        for (name, duration) in [
            ("lease", lease), ("fenceTimeout", fenceTimeout), ("commitTimeout", commitTimeout),
            ("serverHeartbeat", serverHeartbeat), ("probeTimeout", probeTimeout),
        ] where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        if serverLease < serverHeartbeat * 2 {
            problems.append("serverLease must be at least two of serverHeartbeat, is \(serverLease)")
        }
        if restartGrace < .zero { problems.append("restartGrace must not be negative, is \(restartGrace)") }
        if folder?.isEmpty == true { problems.append("folder must be a path, is empty") }
        if serversBeforePlacement > servers {
            problems.append("serversBeforePlacement must be at most servers, is \(serversBeforePlacement)")
        }
        problems += TableNamespace.problems(namespaces)
        guard problems.isEmpty else {
            throw CoordinationError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
