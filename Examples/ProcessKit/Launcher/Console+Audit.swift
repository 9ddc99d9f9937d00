import Coordination
package import ParameterServer

extension Console {
    /// Shows whether every push was applied exactly once, a partition a line.
    package func show(_ audit: PushAudit, of partitions: [PartitionAccount]) {
        var table = TextTable(("partition", .left), ("version", .right), ("counter", .right), ("ledger", .right))
        for account in partitions {
            table.add(
                account.name.description, "\(account.version.applied)", "\(account.counter)",
                "\(account.appliedInLedger)")
        }
        print(["", emphasised("Applied pushes, as each partition counts them in three places")])
        print(table.lines)
        print(
            "Pushes: \(audit.sent) sent, \(audit.acknowledged) acknowledged, \(audit.applied) applied,"
                + " \(audit.duplicatesSuppressed) duplicates suppressed")
        let verdict =
            audit.findings.isEmpty ? ["Every push was applied exactly once."] : audit.findings.map { "WRONG: \($0)" }
        print(verdict.map { emphasised($0) })
    }
}
