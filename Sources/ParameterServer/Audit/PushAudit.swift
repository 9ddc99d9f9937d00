public import Coordination

/// Was every push applied exactly once? Compares what partitions say of themselves with notes that others kept.
///
/// In each partition the version, the audit counter and the ledger are three counts that one push moves together; they
/// must be equal. Every push that a worker holds an acknowledgement of must be in the ledger as applied, and every push
/// that the ledger has as applied must have been noted as sent, once, before its first attempt. Figures that come from
/// different processes can disagree; that is what makes their agreement worth something.
public struct PushAudit: Sendable, Hashable {
    /// Something that does not hold.
    public struct Discrepancy: Sendable, Hashable, CustomStringConvertible {
        /// What does not hold.
        public enum Kind: Sendable, Hashable {
            /// The audit counter is not the number of applied pushes.
            case counterDiffers
            /// The ledger has another number of applied pushes than the version counts.
            case ledgerDiffers
            /// A worker holds an acknowledgement of pushes that the ledger does not have as applied.
            case acknowledgedButNotApplied
            /// The ledger has pushes as applied that nobody noted as sent.
            case appliedButNotSent
            /// Pushes were noted as sent more than once: two pushes may have left under one number.
            case sentTwice
            /// There are notes about a partition that gave no account.
            case partitionMissing
            /// A partition gave two accounts.
            case accountedTwice
        }

        /// What does not hold.
        public var kind: Kind
        /// Where.
        public var partition: PartitionID
        /// What was expected and what was found.
        public var message: String

        /// One line for people.
        public var description: String { message }
    }

    /// Pushes noted as sent.
    public let sent: UInt64
    /// Pushes noted as acknowledged.
    public let acknowledged: UInt64
    /// Pushes that the partitions' versions count as applied.
    public let applied: UInt64
    /// Pushes that the ledgers have as rejected.
    public let rejected: UInt64
    /// Pushes that the ledgers have as skipped: answered, and by the table's policy not applied.
    public let skipped: UInt64
    /// Copies of pushes that were answered without being applied again.
    public let duplicatesSuppressed: UInt64
    /// What does not hold, in the order of partitions; empty if every push was applied exactly once.
    public let discrepancies: [Discrepancy]

    /// Compares.
    ///
    /// - Parameters:
    ///   - accounts: what each partition says, read from its server.
    ///   - sent: every push, noted before its first attempt.
    ///   - acknowledged: every push of which a worker held the answer that it was applied.
    public init(accounts: [PartitionAccount], sent: PushNotes, acknowledged: PushNotes) {
        self.sent = sent.count
        self.acknowledged = acknowledged.count
        applied = accounts.reduce(0) { $0 &+ $1.version.applied }
        rejected = accounts.reduce(0) { $0 &+ $1.rejectedInLedger }
        skipped = accounts.reduce(0) { $0 &+ $1.skippedInLedger }
        duplicatesSuppressed = accounts.reduce(0) { $0 &+ $1.duplicatesSuppressed }
        let byPartition = accounts.sorted { $0.partition < $1.partition }
        var found: [Discrepancy] = []
        for (index, account) in byPartition.enumerated() {
            if index > 0, byPartition[index - 1].partition == account.partition {
                found.append(Discrepancy(account, .accountedTwice, "two accounts were given"))
            }
            found += Self.discrepancies(within: account)
            found += Self.discrepancies(between: account, sent, acknowledged)
        }
        found += Self.missing(byPartition, sent, acknowledged)
        discrepancies = found
    }

    /// Three counts that every applied push moves together.
    private static func discrepancies(within account: PartitionAccount) -> [Discrepancy] {
        var found: [Discrepancy] = []
        let applied = account.version.applied
        if account.counter != Int64(exactly: applied) {
            found.append(
                Discrepancy(
                    account, .counterDiffers, "\(applied) pushes applied, the audit counter is \(account.counter)"))
        }
        if account.appliedInLedger != applied {
            found.append(
                Discrepancy(
                    account, .ledgerDiffers, "\(applied) pushes applied, the ledger has \(account.appliedInLedger) ids")
            )
        }
        return found
    }

    /// Acknowledged ⊆ applied ⊆ sent, by id, and each sent once.
    private static func discrepancies(
        between account: PartitionAccount, _ sent: PushNotes, _ acknowledged: PushNotes
    ) -> [Discrepancy] {
        var found: [Discrepancy] = []
        let applied = Dictionary(account.sessions.map { ($0.session, $0.applied) }) { first, _ in first }
        let partition = account.partition
        for (key, numbers) in acknowledged.sequences.sorted(by: { $0.key < $1.key }) where key.partition == partition {
            let lost = numbers.subtracting(applied[key.session] ?? SequenceSet())
            guard !lost.isEmpty else { continue }
            found.append(
                Discrepancy(
                    account, .acknowledgedButNotApplied,
                    "session \(key.session): acknowledged and not applied: \(lost)"))
        }
        for session in account.sessions {
            let key = PushNotes.Key(session: session.session, partition: partition)
            let unsent = session.applied.subtracting(sent.sequences[key] ?? SequenceSet())
            guard !unsent.isEmpty else { continue }
            found.append(
                Discrepancy(
                    account, .appliedButNotSent, "session \(session.session): applied and never sent: \(unsent)"))
        }
        for (key, numbers) in sent.repeated.sorted(by: { $0.key < $1.key }) where key.partition == partition {
            found.append(
                Discrepancy(
                    account, .sentTwice, "session \(key.session): noted as sent more than once: \(numbers)"))
        }
        return found
    }

    /// Acknowledgements of partitions that nobody accounts for.
    private static func missing(
        _ accounts: [PartitionAccount], _ sent: PushNotes, _ acknowledged: PushNotes
    ) -> [Discrepancy] {
        let known = Set(accounts.map(\.partition))
        let noted = Set((Array(sent.sequences.keys) + Array(acknowledged.sequences.keys)).map(\.partition))
        return noted.subtracting(known).sorted().map {
            Discrepancy(
                kind: .partitionMissing, partition: $0,
                message: "partition \($0): pushes were sent, no account was given")
        }
    }
}

extension PushAudit.Discrepancy {
    fileprivate init(_ account: PartitionAccount, _ kind: Kind, _ message: String) {
        self.init(kind: kind, partition: account.partition, message: "partition \(account.name): \(message)")
    }
}
