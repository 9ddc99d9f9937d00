public import Coordination

/// How much a parameter server takes on.
public struct ParameterServerConfiguration: Sendable, Hashable {
    /// The most pushes and pulls that wait for one partition at a time; more are refused and may come again. Default
    /// 256.
    public var queuedPushes = 256
    /// The most bytes of pushes that have arrived and are not answered: queued, being applied, or waiting for followers
    /// or the log. Calls beyond it are refused with `busy`, and clients send them again; one that is larger by itself
    /// is taken when there is no other. What is still arriving the mesh's limits of connections and messages bound.
    /// Default 1 GiB.
    public var unansweredPushBytes = 1 << 30
    /// Up to so many bytes of gradients of one call are applied on the event loop that received it, if nobody else is
    /// at their partitions: a thread hop costs more. Default 64 KiB.
    public var bytesAppliedOnLoop = 64 << 10
    /// The most pushes of a session that a partition's ledger keeps answers for. Default 1,024.
    public var unacknowledgedPushes = 1_024
    /// The most runs of sequence numbers of a session that a partition's ledger keeps apart: a push that is rejected or
    /// lost for good may cut one more. A session that has so many can push there no more, and its worker has to open a
    /// new one. Default 1,024.
    public var ledgerRuns = 1_024
    /// The most sessions that a partition's ledger knows. Default 65,536.
    public var ledgerSessions = 65_536
    /// The most bytes of a function's answer, and of the answers of updating functions that a session has not
    /// acknowledged in one partition, which are kept as those of pushes are. Default 64 KiB.
    public var functionAnswerBytes = 64 << 10
    /// Where the records of partitions are written before their pushes are acknowledged. Default nowhere: a server that
    /// ends takes its partitions with it.
    public var log: PartitionLogConfiguration?
    /// The most bytes of gradients that wait in one partition for the open round; a push beyond them is refused with
    /// ``ParameterServerError/Code/busy`` and comes again. A round needs the gradients of all that take part at a time.
    /// Default 256 MiB.
    public var roundBytes = 256 << 20
    /// How much is kept and sent for the followers of partitions.
    public var replication = ReplicationConfiguration()
    /// The most bytes of rows that a pull is answered with; a client asks in several calls for more. Default 64 MiB.
    public var rowBytesPerPull = 64 << 20
    /// How long a pull of bounded staleness waits here for other workers, and half of its call's time at most, before
    /// it is answered with ``ParameterServerError/Code/staleClock``. Clients ask again until their own time is over, so
    /// that they notice in time when a server is gone. Default 1 s.
    public var clockPatience = Duration.seconds(1)
    /// How many snapshots of a row table's partition are kept at a time, and what they may cost.
    public var rowSnapshots = RowSnapshotLimits()
    /// Of waits that take so long the log has a warning, each once. Default 5 s.
    public var stallThreshold: Duration = .seconds(5)
    /// How many snapshots are kept for readers, for how long, and what they may cost.
    public var snapshots = SnapshotConfiguration()
    /// Where checkpoints are written and read. Default nowhere: requests about them are refused.
    public var checkpoints: CheckpointConfiguration?
    /// How long a server that is to end may take to hand its partitions over, with the followers that have to join for
    /// that. Default 15 s: with the mesh's 10 s less than the 30 s that orchestrators give a process.
    public var drainTimeout = Duration.seconds(15)
    /// Who may pull, push to, audit and administer which tables. Default: whoever may call the methods. Who may create
    /// them the coordinator's configuration says.
    public var tablePolicy = TablePolicy.unrestricted

    #if DEBUG
        /// What partitions do wrong on purpose.
        package var mutation: PartitionMutation?
    #endif

    /// Makes the defaults.
    public init() {}

    /// Throws ``ParameterServerError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(ParameterServerError) {
        var problems: [String] = []
        for (name, value, least) in [
            ("queuedPushes", queuedPushes, 1), ("unansweredPushBytes", unansweredPushBytes, 1),
            ("bytesAppliedOnLoop", bytesAppliedOnLoop, 0),
            ("unacknowledgedPushes", unacknowledgedPushes, 1), ("ledgerRuns", ledgerRuns, 1),
            ("ledgerSessions", ledgerSessions, 1), ("rowBytesPerPull", rowBytesPerPull, 1),
            ("roundBytes", roundBytes, 1), ("functionAnswerBytes", functionAnswerBytes, 1),
        ] where value < least {
            problems.append("\(name) must be at least \(least), is \(value)")
        }
        if clockPatience <= .zero { problems.append("clockPatience must be above zero, is \(clockPatience)") }
        if drainTimeout <= .zero { problems.append("drainTimeout must be above zero, is \(drainTimeout)") }
        if stallThreshold <= .zero { problems.append("stallThreshold must be above zero, is \(stallThreshold)") }
        problems += snapshots.problems
        problems += (log?.problems ?? []) + replication.problems + rowSnapshots.problems + (checkpoints?.problems ?? [])
        guard problems.isEmpty else {
            throw ParameterServerError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }

    var ledger: PushLedger.Limits {
        var limits = PushLedger.Limits()
        limits.unacknowledged = UInt64(unacknowledgedPushes)
        limits.runs = ledgerRuns
        limits.sessions = ledgerSessions
        limits.answerBytes = functionAnswerBytes
        #if DEBUG
            limits.mutation = mutation
        #endif
        return limits
    }
}
