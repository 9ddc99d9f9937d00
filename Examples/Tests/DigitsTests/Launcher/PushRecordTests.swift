import Coordination
import DigitsKit
import Foundation
import MeshWire
import ParameterServer
import ProcessKit
import Testing

@Suite("The record of pushes")
struct PushRecordTests {
    // Both halves are more than a floating-point number can tell apart.
    private static let session = SessionID(high: .max - 1, low: 1 << 63 | 1)
    private static let partition = PartitionID(rawValue: 5)

    /// What a worker notes of pushes, as it arrives at the launcher.
    private static func noted(_ sequences: ClosedRange<UInt64>) throws -> RoleReport.NotedPushes {
        let report = RoleReport.sending(.init(session: session, sequences.map { (partition, $0) }))
        let received = try JSONDecoder().decode(RoleReport.self, from: try JSONEncoder().encode(report))
        guard case .sending(let noted) = received else { throw ControlError.unreadableMessage("\(received)") }
        return noted
    }

    private static func account(
        applied: UInt64 = 3, session: SessionID = session, duplicates: UInt64 = 1
    ) -> PartitionAccount {
        PartitionAccount(
            partition: partition, name: PartitionName(table: "hidden/weight", index: 0),
            version: PartitionVersion(epoch: 1, applied: applied), counter: Int64(applied),
            sessions: [.init(session: session, applied: SequenceSet(through: applied), rejected: SequenceSet())],
            duplicatesSuppressed: duplicates)
    }

    /// Four pushes were sent, of which three were acknowledged; the worker died before the fourth was.
    private static func record() throws -> PushRecord {
        let record = PushRecord()
        record.noteSending(try noted(1...4))
        record.noteAcknowledged(try noted(1...3))
        return record
    }

    @Test("notes that came over the control channel fit the account of their partition, and nothing is found")
    func right() throws {
        let audit = try Self.record().audit([Self.account()])
        #expect(audit.findings == [])
        let pushes = PushFigures(audit)
        #expect((pushes.sent, pushes.acknowledged, pushes.applied, pushes.duplicatesSuppressed) == (4, 3, 3, 1))
    }

    @Test(
        "each way of being wrong is found, by the name of the partition",
        arguments: [
            (account(applied: 2), "hidden/weight#0: session \(session): acknowledged and not applied: 3"),
            (account(applied: 5), "hidden/weight#0: session \(session): applied and never sent: 5"),
            (account(session: SessionID(high: .max - 1, low: 1 << 63)), "acknowledged and not applied: 1–3"),
            (account(duplicates: 0), "no duplicate was suppressed"),
        ])
    func wrong(account: PartitionAccount, finding: String) throws {
        let audit = try Self.record().audit([account])
        #expect(audit.findings.contains { $0.contains(finding) }, "\(audit.findings)")
    }

    @Test("a push that was noted as sent twice is found")
    func notedTwice() throws {
        let record = try Self.record()
        record.noteSending(try Self.noted(4...4))
        let findings = record.audit([Self.account()]).findings
        #expect(findings == ["partition hidden/weight#0: session \(Self.session): noted as sent more than once: 4"])
    }
}
