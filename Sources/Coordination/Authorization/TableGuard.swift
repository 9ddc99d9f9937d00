package import Identity
package import Telemetry

/// Asks a table policy, and counts what it refuses.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `table_denials_total` | counter | `verb`: a ``TablePolicy/Verb`` |
package struct TableGuard: Sendable {
    private let policy: TablePolicy
    private let denials: MetricFamily<Counter>

    package init(_ policy: TablePolicy, _ metrics: MetricsRegistry) {
        self.policy = policy
        denials = metrics.counter(
            "table_denials_total", help: "What the table policy refused, by what was to be done with a table.",
            labels: "verb")
    }

    /// Why `peer` may not do `verb` with the table, and what to do about it; `nil` if it may.
    ///
    /// - Parameter function: of a call, the function's name.
    package func denial(
        _ verb: TablePolicy.Verb, table: String, function: String? = nil, peer: SPIFFEID?
    ) -> String? {
        if policy.allows(verb, table: table, function: function, peer: peer) { return nil }
        denials.series(verb.rawValue).increment()
        let caller = peer?.description ?? "a caller without identity"
        let what = function.map { " function \($0) on" } ?? ""
        return
            "\(caller) may not \(verb)\(what) table \(table): no rule of the table policy allows it, add one if it should"
    }
}
