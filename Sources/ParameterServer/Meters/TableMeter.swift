import MeshWire
import Telemetry

/// Counts and times what happens to one table at a server. Made once a partition; using it takes no lock.
package struct TableMeter: Sendable {
    private let runtime: any Runtime
    private let outcomes: PushOutcomes
    private let applying: LatencyHistogram
    private let pushing: LatencyHistogram
    private let pulling: LatencyHistogram
    private let staleness: ValueHistogram
    private let rounds: RoundMeter?

    init(
        _ outcomes: PushOutcomes, applying: LatencyHistogram, pushing: LatencyHistogram, pulling: LatencyHistogram,
        staleness: ValueHistogram, rounds: RoundMeter?, runtime: any Runtime
    ) {
        self.outcomes = outcomes
        self.applying = applying
        self.pushing = pushing
        self.pulling = pulling
        self.staleness = staleness
        self.rounds = rounds
        self.runtime = runtime
    }

    /// Now, by which the age of what is kept is told.
    var now: RuntimeInstant { runtime.now }

    /// Runs `body` and counts its reply.
    func timed(_ body: () -> Partition.Answer) -> Partition.Answer {
        let start = runtime.now
        let answer = body()
        let reply = answer.reply
        if reply.outcome == .applied, !reply.isReplay {
            applying.record(start.duration(to: runtime.now))
            staleness.record(Double(reply.staleness))
        }
        outcomes.count(reply)
        return answer
    }

    /// A round's step was applied, which took so long.
    func applied(_ duration: Duration) { applying.record(duration) }

    /// A round was closed, so long after its first gradient came, and the last one was this slot's.
    func closed(after duration: Duration, last slot: Int) { rounds?.closed(after: duration, last: slot) }

    /// Counts a reply that a round has made.
    func count(_ reply: PushReply) {
        if reply.outcome == .applied { staleness.record(Double(reply.staleness)) }
        outcomes.count(reply)
    }

    /// A push was answered, after it had been here for so long.
    func pushed(_ duration: Duration) { pushing.record(duration) }

    /// A pull was answered, after it had been here for so long.
    func pulled(_ duration: Duration) { pulling.record(duration) }
}

/// Counts the pushes to a table by what became of them.
struct PushOutcomes: Sendable {
    private let applied: Counter
    private let duplicates: Counter
    private let nonFinite: Counter
    private let rejected: Counter
    private let skipped: Counter
    private let refused: Counter
    private let fenced: Counter
    private let late: Counter

    init(_ pushes: MetricFamily<Counter>, table: String) {
        applied = pushes.series(table, "applied")
        duplicates = pushes.series(table, "duplicate")
        nonFinite = pushes.series(table, "nonfinite")
        rejected = pushes.series(table, "rejected")
        skipped = pushes.series(table, "skipped")
        refused = pushes.series(table, "refused")
        fenced = pushes.series(table, "fenced")
        late = pushes.series(table, "late")
    }

    func count(_ reply: PushReply) {
        guard !reply.isReplay else { return duplicates.increment() }
        switch reply.outcome {
        case .applied: applied.increment()
        // Counted when its round is closed.
        case .refused(.held, _): break
        case .skipped: skipped.increment()
        case .refused(.nonFinite, _): nonFinite.increment()
        case .refused(.shapeMismatch, _), .refused(.dtypeMismatch, _), .refused(.rowsFull, _),
            .refused(.rowOutOfRange, _), .refused(.functionFailed, _), .refused(.answerTooLarge, _):
            rejected.increment()
        case .refused(.sessionFenced, _), .refused(.sessionExpired, _): fenced.increment()
        case .refused(.late, _): late.increment()
        case .refused: refused.increment()
        }
    }
}

/// Times the rounds of one table at a server, and counts who came last.
struct RoundMeter: Sendable {
    let waiting: LatencyHistogram
    let last: MetricFamily<Counter>

    func closed(after duration: Duration, last slot: Int) {
        waiting.record(duration)
        last.series(String(slot)).increment()
    }
}
