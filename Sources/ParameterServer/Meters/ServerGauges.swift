import Coordination
import MeshTransport
import MeshWire
import Synchronization
import Telemetry

/// What a server's partitions hold, wait for and lack, beside the limits of that: looked at now and then, since
/// counting it as it happens would cost every push.
///
/// `Documentation/Behaviours/ParameterServerTelemetry.md` lists them. `fullest` is of the partition, or the session in
/// one, that is nearest to the limit.
final class ServerGauges: Sendable {
    private let hosted: HostedPartitions
    private let sessions: MetricFamily<Gauge>
    private let runs: MetricFamily<Gauge>
    private let answers: MetricFamily<Gauge>
    private let ledgerBytes: Gauge
    private let waiting: MetricFamily<Gauge>
    private let partitions: MetricFamily<Gauge>
    private let rowSnapshots: MetricFamily<Gauge>
    private let rowSnapshotBytes: MetricFamily<Gauge>
    private let joiningBytes: MetricFamily<Gauge>
    private let seeding: MetricFamily<Gauge>
    private let behind: MetricFamily<Gauge>
    private let waits: MetricFamily<Gauge>
    private let longest: MetricFamily<Gauge>
    private let lag: FollowerLagGauges
    private let log: LogGauges?
    /// The slots that were told of last.
    private let slots = Mutex<Set<Int>>([])

    init(_ hosted: HostedPartitions) {
        self.hosted = hosted
        let (configuration, metrics) = (hosted.configuration, hosted.coordination.mesh.metrics)
        func family(_ name: String, _ help: String, limit: Int? = nil) -> MetricFamily<Gauge> {
            let family = metrics.gauge(name, help: help, labels: "of")
            if let limit { family.series("limit").set(Double(limit)) }
            return family
        }
        sessions = family(
            "parameter_ledger_sessions", "Sessions that a partition's ledger knows.",
            limit: configuration.ledgerSessions)
        runs = family(
            "parameter_ledger_runs", "Runs of numbers of a session in a partition's ledger.",
            limit: configuration.ledgerRuns)
        answers = family(
            "parameter_ledger_answers", "Answers that partitions' ledgers keep for a session.",
            limit: configuration.unacknowledgedPushes)
        ledgerBytes = metrics.gauge(
            "parameter_ledger_bytes", help: "About what the ledgers of all partitions take in memory."
        ).series()
        waiting = metrics.gauge(
            "parameter_waiting", help: "Calls that wait at a partition, and how many may.", labels: "at", "of")
        for place in ["turn", "version", "chain", "clock"] {
            waiting.series(place, "limit").set(Double(configuration.queuedPushes))
        }
        waiting.series("round", "limit").set(Double(configuration.ledgerSessions))
        partitions = metrics.gauge("parameter_partitions", help: "Partitions, by the server's part.", labels: "role")
        rowSnapshots = family(
            "parameter_row_snapshots", "Snapshots of a partition's rows.", limit: configuration.rowSnapshots.count)
        rowSnapshotBytes = family(
            "parameter_row_snapshot_bytes", "Bytes that are kept for a partition's row snapshots alone.",
            limit: configuration.rowSnapshots.bytes)
        joiningBytes = family(
            "parameter_joining_bytes", "Bytes of records that a partition keeps for a server that joins.",
            limit: configuration.replication.joiningBytes)
        seeding = family("parameter_seeding_pieces", "Pieces of the snapshots that are being sent to joining servers.")
        behind = metrics.gauge(
            "parameter_worker_behind_pushes",
            help: "Pushes of others since a worker's last one, in the partition where they are fewest.", labels: "slot")
        waits = metrics.gauge("parameter_waits", help: "Who waits, by what for.", labels: "for")
        longest = metrics.gauge(
            "parameter_longest_wait_seconds", help: "The longest of those waits so far.", labels: "for")
        lag = FollowerLagGauges(metrics)
        log = configuration.log.map { LogGauges(metrics, $0) }
    }

    /// Takes down who waits, and looks at all partitions.
    func look(_ report: StallReport) {
        for reason in StallReport.Reason.allCases where reason.isOfServers {
            let own = report.waits.filter { $0.reason == reason }
            waits.series(reason.rawValue).set(Double(own.count))
            longest.series(reason.rawValue).set(own.first.map { $0.duration / .seconds(1) } ?? 0)
        }
        var total = Totals()
        for partition in hosted.all { total.add(partition) }
        sessions.series("fullest").set(Double(total.sessions))
        runs.series("fullest").set(Double(total.runs))
        answers.series("fullest").set(Double(total.fullestAnswers))
        answers.series("kept").set(Double(total.answers))
        ledgerBytes.set(Double(total.ledgerBytes))
        for (place, count) in total.waiting { waiting.series(place, "fullest").set(Double(count)) }
        for (role, count) in [("head", total.heads), ("follower", total.followers), ("joining", total.joining)] {
            partitions.series(role).set(Double(count))
        }
        rowSnapshots.series("fullest").set(Double(total.rowSnapshots))
        rowSnapshotBytes.series("fullest").set(Double(total.rowSnapshotBytes))
        joiningBytes.series("fullest").set(Double(total.joiningBytes))
        seeding.series("sent").set(Double(total.piecesSent))
        seeding.series("all").set(Double(total.pieces))
        tell(total.behind)
        lag.tell(total.lag, hosted.coordination.mesh.runtime.now)
        if let log, let usage = hosted.state.withLock({ $0.log })?.usage { log.tell(usage) }
    }

    /// Says how far behind each slot is; those that have no living session any more are not.
    private func tell(_ slots: [Int: UInt64]) {
        let gone = self.slots.withLock { known in
            defer { known = Set(slots.keys) }
            return known.subtracting(slots.keys)
        }
        for slot in gone { behind.series("\(slot)").set(0) }
        for (slot, pushes) in slots { behind.series("\(slot)").set(Double(pushes)) }
    }

    /// What all partitions have together, and the fullest of them.
    private struct Totals {
        var sessions = 0
        var runs = 0
        var answers = 0
        var fullestAnswers = 0
        var ledgerBytes = 0
        var waiting: [String: Int] = ["turn": 0, "version": 0, "chain": 0, "round": 0, "clock": 0]
        var heads = 0
        var followers = 0
        var joining = 0
        var rowSnapshots = 0
        var rowSnapshotBytes = 0
        var joiningBytes = 0
        var piecesSent = 0
        var pieces = 0
        var behind: [Int: UInt64] = [:]
        var lag: [String: FollowerLag] = [:]

        mutating func add(_ partition: Partition) {
            let member = partition.chain.withLock { $0 }
            let state = partition.state.withLock { Inside($0.state, isHead: member.isHead) }
            sessions = max(sessions, state.ledger.sessions)
            runs = max(runs, state.ledger.fullestRuns)
            answers += state.ledger.answers
            fullestAnswers = max(fullestAnswers, state.ledger.fullestAnswers)
            ledgerBytes += state.ledger.bytes
            rowSnapshots = max(rowSnapshots, state.snapshots.count)
            rowSnapshotBytes = max(rowSnapshotBytes, state.snapshots.bytes)
            waiting.merge(partition.waitingCounts) { max($0, $1) }
            switch member.place?.role {
            case .head: heads += 1
            case .follower: followers += 1
            case .joining, nil: joining += 1
            }
            behind.merge(state.behind) { min($0, $1) }
            guard let place = member.place, let successor = place.successor else { return }
            lag[successor, default: FollowerLag()].add(member.window)
            if place.isSuccessorJoining { joiningBytes = max(joiningBytes, member.window.bytes) }
            if let seeding = member.seedingProgress {
                piecesSent += seeding.sent
                pieces += seeding.count
            }
        }
    }

    /// What a partition's mutex guards, as far as it is looked at.
    private struct Inside {
        var ledger: PushLedger.Usage
        var snapshots: (count: Int, bytes: Int)
        var behind: [Int: UInt64] = [:]

        init(_ state: PartitionState, isHead: Bool) {
            ledger = state.ledger.usage
            snapshots = state.rowSnapshots.cost
            guard isHead else { return }
            for entry in state.fence.entries where !entry.hasEnded {
                guard let last = state.ledger.lastVersion(of: entry.session) else { continue }
                behind[entry.slot] = state.applied - min(last, state.applied)
            }
        }
    }
}

extension StallReport.Reason {
    /// Whether servers wait for it, and not clients.
    fileprivate var isOfServers: Bool { self != .answer && self != .map }
}
