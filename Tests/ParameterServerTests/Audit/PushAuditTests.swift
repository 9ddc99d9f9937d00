import Coordination
import MeshWire
import Testing

@testable import ParameterServer

@Suite struct PushAuditTests {
    private static let session = Example.session(1)

    private static func account(
        _ partition: UInt64 = 1, applied: UInt64 = 3, counter: Int64 = 3, ledger: UInt64 = 3
    ) -> PartitionAccount {
        PartitionAccount(
            partition: PartitionID(rawValue: partition), name: PartitionName(table: "w", index: 0),
            version: PartitionVersion(epoch: 1, applied: applied), counter: counter,
            sessions: [.init(session: session, applied: SequenceSet(through: ledger), rejected: SequenceSet())],
            duplicatesSuppressed: 2)
    }

    private static func notes(_ count: UInt64, partition: UInt64 = 1, session: SessionID = session) -> PushNotes {
        var notes = PushNotes()
        for sequence in 0..<count {
            notes.insert(session: session, partition: PartitionID(rawValue: partition), sequence: sequence + 1)
        }
        return notes
    }

    private static func kinds(
        _ accounts: [PartitionAccount], sent: PushNotes = notes(4), acknowledged: PushNotes = notes(2)
    ) -> [PushAudit.Discrepancy.Kind] {
        PushAudit(accounts: accounts, sent: sent, acknowledged: acknowledged).discrepancies.map(\.kind)
    }

    @Test("figures that agree pass: a push may be sent and not applied, or applied and not acknowledged")
    func agreement() {
        let audit = PushAudit(accounts: [Self.account()], sent: Self.notes(4), acknowledged: Self.notes(2))
        #expect(audit.discrepancies.isEmpty)
        #expect((audit.sent, audit.applied, audit.acknowledged, audit.duplicatesSuppressed) == (4, 3, 2, 2))
    }

    @Test("a counter that is one off is found, in either direction", arguments: [2, 4] as [Int64])
    func counter(value: Int64) {
        #expect(Self.kinds([Self.account(counter: value)]) == [.counterDiffers])
    }

    @Test("a ledger that lacks a push, or has one too many, is found", arguments: [2, 4] as [UInt64])
    func ledger(count: UInt64) {
        #expect(Self.kinds([Self.account(ledger: count)]) == [.ledgerDiffers])
    }

    @Test("an acknowledgement of a push that was not applied is found")
    func lostAcknowledgement() {
        #expect(Self.kinds([Self.account()], acknowledged: Self.notes(4)) == [.acknowledgedButNotApplied])
        let stranger = Self.notes(1, session: Example.session(9))
        #expect(Self.kinds([Self.account()], acknowledged: stranger) == [.acknowledgedButNotApplied])
    }

    @Test("a push that was applied and that nobody noted as sent is found")
    func neverSent() {
        #expect(Self.kinds([Self.account()], sent: Self.notes(2)) == [.appliedButNotSent])
        #expect(Self.kinds([Self.account()], sent: PushNotes(), acknowledged: PushNotes()) == [.appliedButNotSent])
    }

    @Test("a push that was noted as sent twice is found, and one that was acknowledged twice is not")
    func sentTwice() {
        let partition = PartitionID(rawValue: 1)
        var (sent, acknowledged) = (Self.notes(4), Self.notes(2))
        sent.insert(session: Self.session, partition: partition, sequence: 2)
        acknowledged.insert(session: Self.session, partition: partition, sequence: 1)
        let audit = PushAudit(accounts: [Self.account()], sent: sent, acknowledged: acknowledged)
        #expect(
            audit.discrepancies.map(\.description) == [
                "partition w#0: session \(Self.session): noted as sent more than once: 2"
            ])
        #expect(audit.discrepancies.map(\.kind) == [.sentTwice])
        #expect(audit.sent == 4)
    }

    @Test("a partition without an account, or with two, is found")
    func accounts() {
        #expect(Self.kinds([]) == [.partitionMissing])
        #expect(Self.kinds([Self.account(), Self.account()]) == [.accountedTwice])
    }

    @Test("every discrepancy says where and what in one line")
    func messages() {
        let audit = PushAudit(
            accounts: [Self.account(counter: 5)], sent: Self.notes(2), acknowledged: Self.notes(4))
        #expect(
            audit.discrepancies.map(\.description) == [
                "partition w#0: 3 pushes applied, the audit counter is 5",
                "partition w#0: session \(Self.session): acknowledged and not applied: 4",
                "partition w#0: session \(Self.session): applied and never sent: 3",
            ])
    }

    @Test("a note is new once")
    func notedOnce() {
        var notes = Self.notes(2)
        let isNew = [2, 3].map { sequence in
            notes.insert(session: Self.session, partition: PartitionID(rawValue: 1), sequence: sequence)
        }
        #expect(isNew == [false, true])
        #expect(notes.count == 3)
        #expect(notes.repeated.values.map(\.runs) == [[2...2]])
    }
}
