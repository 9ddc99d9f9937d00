package import MeshWire
package import Telemetry

/// Counts and times what a server's partitions do with pushes.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_pushes_total` | counter | `outcome`: `applied`, `duplicate`, `rejected`, `skipped`, `refused`, `fenced` |
/// | `parameter_refusals_total` | counter | `code`: a ``ParameterServerError/Code`` |
/// | `parameter_apply_seconds` | histogram | – |
///
/// `skipped` are pushes whose gradient a table's policy passes over. `rejected` pushes are those that the ledger remembers as such, `refused` ones may come again. Refusals are what the
/// log warns of: each push once, by why it was refused, and calls that were refused as a whole.
package struct ApplyMeter: Sendable {
    private let runtime: any Runtime
    private let applied: Counter
    private let duplicates: Counter
    private let rejected: Counter
    private let skipped: Counter
    private let refused: Counter
    private let fenced: Counter
    private let refusals: MetricFamily<Counter>
    private let seconds: LatencyHistogram

    package init(_ metrics: MetricsRegistry, runtime: any Runtime) {
        self.runtime = runtime
        let pushes = metrics.counter(
            "parameter_pushes_total", help: "Partition pushes that arrived, by what became of them.", labels: "outcome")
        applied = pushes.series("applied")
        duplicates = pushes.series("duplicate")
        rejected = pushes.series("rejected")
        skipped = pushes.series("skipped")
        refused = pushes.series("refused")
        fenced = pushes.series("fenced")
        refusals = metrics.counter(
            "parameter_refusals_total", help: "Pushes, and calls of pushes, that were refused, by why.", labels: "code")
        seconds = metrics.histogram(
            "parameter_apply_seconds", help: "Time that a partition took to apply a push, waiting not included."
        ).series()
    }

    /// Now, by which the age of what is kept is told.
    var now: RuntimeInstant { runtime.now }

    /// Runs `body` and counts its reply.
    func timed(_ body: () -> Partition.Answer) -> Partition.Answer {
        let start = runtime.now
        let answer = body()
        let reply = answer.reply
        if reply.outcome == .applied, !reply.isReplay { seconds.record(start.duration(to: runtime.now)) }
        count(reply)
        return answer
    }

    /// Counts a push, or a call of pushes, that was refused.
    func countRefusal(_ code: ParameterServerError.Code) { refusals.series(code.description).increment() }

    /// Counts a reply that no partition was asked for.
    func count(_ reply: PushReply) {
        guard !reply.isReplay else { return duplicates.increment() }
        switch reply.outcome {
        case .applied: applied.increment()
        // Counted when its round is closed.
        case .refused(.held, _): break
        case .skipped: skipped.increment()
        case .refused(.nonFinite, _), .refused(.shapeMismatch, _), .refused(.dtypeMismatch, _): rejected.increment()
        case .refused(.sessionFenced, _), .refused(.sessionExpired, _): fenced.increment()
        case .refused: refused.increment()
        }
    }
}
