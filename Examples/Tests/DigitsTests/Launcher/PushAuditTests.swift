import Coordination
import DigitsKit
import Testing

@Suite("The audit of pushes")
struct PushAuditTests {
    private static let partition = "hidden.weight/0"

    private static func set(_ sequences: some Sequence<UInt64>) -> SequenceSet {
        var set = SequenceSet()
        for sequence in sequences { set.insert(sequence) }
        return set
    }

    private static func notes(_ sequences: some Sequence<UInt64>) -> RoleReport.PushNotes {
        .init(session: "a1", pushes: sequences.map { .init(partition: partition, sequence: $0) })
    }

    private static func account(
        version: Int = 3, counter: Int = 3, ledger: SequenceSet = set(1...3), duplicates: Int = 1
    ) -> PartitionFigures {
        PartitionFigures(
            name: partition, version: version, counter: counter, ledger: ["a1": ledger],
            duplicatesSuppressed: duplicates)
    }

    /// Four pushes were sent, of which three were acknowledged; the worker died before the fourth was.
    private static func record() -> PushRecord {
        let record = PushRecord()
        record.noteSending(notes(1...4))
        record.noteAcknowledged(notes(1...3))
        return record
    }

    @Test("three places that agree, and notes that fit, have no findings")
    func right() {
        let audit = PushAudit(record: Self.record().snapshot, accounts: [Self.account()])
        #expect(audit.findings == [])
        #expect(audit.pushes == .init(sent: 4, acknowledged: 3, applied: 3, duplicatesSuppressed: 1))
        #expect(audit.partitions == [.init(name: Self.partition, version: 3, counter: 3, ledger: 3)])
    }

    @Test(
        "each way of being wrong is found",
        arguments: [
            ("applied twice", account(version: 4, counter: 4), "3 ids in the ledger"),
            ("counter behind", account(counter: 2), "audit counter 2"),
            (
                "lost after its acknowledgement", account(version: 2, counter: 2, ledger: set(1...2)),
                "acknowledged but not applied, the first is 3"
            ),
            (
                "applied out of nowhere", account(version: 4, counter: 4, ledger: set([1, 2, 3, 9])),
                "applied but never sent, the first is 9"
            ),
            ("no duplicate", account(duplicates: 0), "no duplicate was suppressed"),
        ])
    func wrong(what: String, account: PartitionFigures, finding: String) {
        let audit = PushAudit(record: Self.record().snapshot, accounts: [account])
        #expect(audit.findings.contains { $0.contains(finding) }, "\(what): \(audit.findings)")
    }

    @Test("a push that was noted twice, and a partition that no server accounts for, are found")
    func notes() {
        let record = Self.record()
        record.noteSending(Self.notes(4...4))
        let audit = PushAudit(record: record.snapshot, accounts: [])
        #expect(audit.findings.contains { $0.contains("1 pushes were noted as sent twice") })
        #expect(audit.findings.contains { $0.contains("3 pushes acknowledged but not applied") })
    }
}
