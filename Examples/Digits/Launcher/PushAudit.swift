package import Coordination

/// One partition's own account of its pushes, as read from its server over the mesh.
package struct PartitionFigures: Sendable, Equatable {
    package var name: String
    /// Applied pushes, as the partition's version counts them.
    package var version: Int
    /// The audit counter, which each push's payload raised by one, beside the parameters.
    package var counter: Int
    /// The ledger: for each session, the pushes whose outcome is *applied*.
    package var ledger: [String: SequenceSet]
    /// Attempts that the ledger answered without applying them again.
    package var duplicatesSuppressed: Int

    package init(
        name: String, version: Int, counter: Int, ledger: [String: SequenceSet], duplicatesSuppressed: Int
    ) {
        self.name = name
        self.version = version
        self.counter = counter
        self.ledger = ledger
        self.duplicatesSuppressed = duplicatesSuppressed
    }

    /// Ids in the ledger.
    package var ledgerCount: Int { ledger.values.reduce(0) { $0 + Int($1.count) } }
}

/// Compares the partitions' accounts with each other's and with the workers' notes: was every push applied once?
package struct PushAudit: Sendable {
    package let pushes: DemonstrationSummary.Pushes
    package let partitions: [DemonstrationSummary.Partition]
    /// What does not hold, in words; empty when every push was applied exactly once.
    package let findings: [String]

    package init(record: PushRecord.Contents, accounts: [PartitionFigures]) {
        partitions = accounts.sorted { $0.name < $1.name }.map {
            DemonstrationSummary.Partition(
                name: $0.name, version: $0.version, counter: $0.counter, ledger: $0.ledgerCount)
        }
        pushes = DemonstrationSummary.Pushes(
            sent: record.sent.values.reduce(0) { $0 + Int($1.count) },
            acknowledged: record.acknowledged.values.reduce(0) { $0 + Int($1.count) },
            applied: accounts.reduce(0) { $0 + $1.version },
            duplicatesSuppressed: accounts.reduce(0) { $0 + $1.duplicatesSuppressed })
        findings =
            Self.findings(within: partitions) + Self.findings(between: record, and: accounts)
            + (pushes.duplicatesSuppressed > 0 ? [] : ["no duplicate was suppressed: the retries were not exercised"])
    }

    /// Version, counter and ledger are kept in three places; each push moves all three.
    private static func findings(within partitions: [DemonstrationSummary.Partition]) -> [String] {
        partitions.filter { $0.version != $0.counter || $0.version != $0.ledger }.map {
            "\($0.name): version \($0.version), audit counter \($0.counter), \($0.ledger) ids in the ledger"
        }
    }

    /// What was acknowledged was applied, and what was applied was sent: by id, not only in number.
    private static func findings(between record: PushRecord.Contents, and accounts: [PartitionFigures]) -> [String] {
        var applied: [PushRecord.Key: SequenceSet] = [:]
        for account in accounts {
            for (session, sequences) in account.ledger {
                applied[PushRecord.Key(session: session, partition: account.name)] = sequences
            }
        }
        var findings = record.notedTwice == 0 ? [] : ["\(record.notedTwice) pushes were noted as sent twice"]
        findings += describe("acknowledged but not applied", record.acknowledged, without: applied)
        findings += describe("applied but never sent", applied, without: record.sent)
        return findings
    }

    private static func describe(
        _ what: String, _ set: [PushRecord.Key: SequenceSet], without other: [PushRecord.Key: SequenceSet]
    ) -> [String] {
        set.keys.sorted().compactMap { key in
            let missing = set[key, default: SequenceSet()].subtracting(other[key, default: SequenceSet()])
            guard let first = missing.first else { return nil }
            return "\(key.partition), session \(key.session): \(missing.count) pushes \(what), the first is \(first)"
        }
    }
}
