import Coordination
import Foundation
import ParameterServer

/// What a run has come to, for people and as figures.
struct ChaosReport: Sendable {
    /// What does not hold.
    let violations: [String]
    /// A table for people.
    let text: String
    let figures: Report

    init(_ run: ChaosRun, _ audit: PushAudit, _ accounts: [PartitionAccount], truncated: Int, after time: Duration) {
        let watch = run.watch
        violations = watch.violations
        var lines = ["", "disturbance              times  recovered: median       most"]
        let recoveries = watch.recoveries
        for (kind, times) in watch.disturbances.sorted(by: { $0.key < $1.key }) {
            let seconds = (recoveries[kind] ?? []).map { $0 / .seconds(1) }
            let (median, most) = (seconds.isEmpty ? .nan : Statistics.median(seconds), seconds.max() ?? .nan)
            lines.append(
                "\(kind.padding(toLength: 22, withPad: " ", startingAt: 0)) \(Self.column(times, 7))"
                    + " \(Self.column(median, 18)) s \(Self.column(most, 8)) s")
        }
        lines.append("connections cut off in a message: \(truncated)")
        let gaps = watch.gaps
        lines += ["", "partition        version   counter    ledger  longest without an answer"]
        for account in accounts {
            lines.append(
                "\(account.name.description.padding(toLength: 12, withPad: " ", startingAt: 0))"
                    + " \(Self.column("\(account.version)", 11)) \(Self.column(Int(account.counter), 9))"
                    + " \(Self.column(Int(account.appliedInLedger), 9))"
                    + " \(Self.column((gaps[account.partition.rawValue] ?? .zero) / .seconds(1), 24)) s")
        }
        let unheard = audit.applied - min(audit.applied, audit.acknowledged)
        lines += [
            "",
            "pushes: \(audit.sent) sent, \(audit.acknowledged) acknowledged, \(audit.applied) applied (\(unheard) of them unheard), \(audit.duplicatesSuppressed) duplicates suppressed since servers started",
            "failures at workers: "
                + watch.failures.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
            "longest time without an answer: \(Self.column(watch.longestGap / .seconds(1), 0)) s of \(Self.column(time / .seconds(1), 0)) s; most memory of a server: \(run.memory.most >> 20) MiB",
            "replay: \(run.options.replay)",
        ]
        lines += violations.isEmpty ? ["Every count agrees."] : violations.map { "WRONG: \($0)" }
        text = lines.map { "\($0)\n" }.joined()
        figures = Self.figures(run, audit, violations.count)
    }

    private static func figures(_ run: ChaosRun, _ audit: PushAudit, _ violations: Int) -> Report {
        var report = Report()
        func add(_ name: String, _ unit: String, _ value: Double, target: Double? = nil) {
            report.add(
                Figure(
                    benchmark: "chaos", name: name, unit: unit, ours: value, peer: nil, peerName: nil, better: .lower,
                    target: target, threads: 1))
        }
        add("violations", "", Double(violations), target: 0)
        add("disturbances", "", Double(run.watch.disturbances.values.reduce(0, +)))
        add("pushes sent", "", Double(audit.sent))
        add("pushes acknowledged", "", Double(audit.acknowledged))
        add("duplicates suppressed", "", Double(audit.duplicatesSuppressed))
        add("longest time without an answer", "s", run.watch.longestGap / .seconds(1))
        add(
            "longest time without an answer of one partition", "s",
            run.watch.gaps.values.max().map { $0 / .seconds(1) } ?? 0)
        for (kind, times) in run.watch.recoveries.sorted(by: { $0.key < $1.key }) {
            add("recovery, \(kind), median", "s", Statistics.median(times.map { $0 / .seconds(1) }))
            add("recovery, \(kind), most", "s", times.map { $0 / .seconds(1) }.max() ?? 0)
        }
        add("most memory of a server", "MiB", Double(run.memory.most >> 20))
        return report
    }

    private static func column(_ value: Double, _ width: Int) -> String { String(format: "%\(width).2f", value) }

    private static func column(_ value: Int, _ width: Int) -> String { column("\(value)", width) }

    private static func column(_ value: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - value.count)) + value
    }
}
