package import MeshWire
package import Telemetry

/// Counts and times what a server's partitions do with pushes and pulls, by table.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_pushes_total` | counter | `table`; `outcome`: `applied`, `duplicate`, `nonfinite`, `rejected`, `skipped`, `refused`, `fenced`, `late` |
/// | `parameter_refusals_total` | counter | `code`: a ``ParameterServerError/Code`` |
/// | `parameter_apply_seconds` | histogram | `table` |
/// | `parameter_push_seconds` | histogram | `table` |
/// | `parameter_pull_seconds` | histogram | `table` |
/// | `parameter_staleness` | histogram | `table` |
/// | `parameter_round_seconds` | histogram | `table` |
/// | `parameter_round_last_total` | counter | `slot` |
///
/// `nonfinite` and `rejected` pushes are those that the ledger remembers as such, `skipped` ones those whose gradient a
/// table's policy passes over, `refused` ones may come again; one for a partition that nobody knows is of no table.
/// Refusals are what the log warns of: each push once, by why it was refused, and calls that were refused as a whole.
/// Tables beyond a family's limit of series share one.
package struct ApplyMeter: Sendable {
    private let runtime: any Runtime
    private let pushes: MetricFamily<Counter>
    private let ofNoTable: PushOutcomes
    private let refusals: MetricFamily<Counter>
    private let applying: MetricFamily<LatencyHistogram>
    private let pushing: MetricFamily<LatencyHistogram>
    private let pulling: MetricFamily<LatencyHistogram>
    private let staleness: MetricFamily<ValueHistogram>
    private let rounds: MetricFamily<LatencyHistogram>
    private let last: MetricFamily<Counter>

    package init(_ metrics: MetricsRegistry, runtime: any Runtime) {
        self.runtime = runtime
        pushes = metrics.counter(
            "parameter_pushes_total", help: "Partition pushes that arrived, by what became of them.", labels: "table",
            "outcome")
        ofNoTable = PushOutcomes(pushes, table: "")
        refusals = metrics.counter(
            "parameter_refusals_total", help: "Pushes, and calls of pushes, that were refused, by why.", labels: "code")
        applying = metrics.histogram(
            "parameter_apply_seconds", help: "Time that a partition took to apply a push, waiting not included.",
            labels: "table")
        pushing = metrics.histogram(
            "parameter_push_seconds", help: "Time from a partition push's arrival to its answer.", labels: "table")
        pulling = metrics.histogram(
            "parameter_pull_seconds", help: "Time from a partition pull's arrival to its answer.", labels: "table")
        staleness = metrics.values(
            "parameter_staleness",
            help: "Pushes of others that were applied between the pull that a push is of and the push.",
            labels: "table")
        rounds = metrics.histogram(
            "parameter_round_seconds",
            help: "Time from a round's first gradient at a partition to its end, of tables with rounds.",
            labels: "table")
        last = metrics.counter(
            "parameter_round_last_total", help: "Rounds of partitions whose last gradient was this slot's.",
            labels: "slot")
    }

    /// What counts for the partitions of a table.
    func table(_ name: String, takesRounds: Bool) -> TableMeter {
        TableMeter(
            PushOutcomes(pushes, table: name), applying: applying.series(name), pushing: pushing.series(name),
            pulling: pulling.series(name), staleness: staleness.series(name),
            rounds: takesRounds ? RoundMeter(waiting: rounds.series(name), last: last) : nil, runtime: runtime)
    }

    /// Counts a push, or a call of pushes, that was refused.
    func countRefusal(_ code: ParameterServerError.Code) { refusals.series(code.description).increment() }

    /// Counts a reply that no partition was asked for.
    func count(_ reply: PushReply) { ofNoTable.count(reply) }
}
