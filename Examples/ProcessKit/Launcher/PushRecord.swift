import Coordination
package import ParameterServer
import Synchronization

/// Every push that a worker noted at the launcher, before its first attempt or when it was acknowledged.
///
/// Kept apart from what the servers say of themselves: the two can disagree. Safe to share: guarded by a mutex.
package final class PushRecord: Sendable {
    private let notes = Mutex((sent: PushNotes(), acknowledged: PushNotes()))

    package init() {}

    /// Takes a note that these pushes are about to leave.
    package func noteSending(_ noted: RoleReport.NotedPushes) {
        notes.withLock { Self.insert(noted, into: &$0.sent) }
    }

    /// Takes a note that these pushes were acknowledged.
    package func noteAcknowledged(_ noted: RoleReport.NotedPushes) {
        notes.withLock { Self.insert(noted, into: &$0.acknowledged) }
    }

    /// Compares all notes so far with what the partitions say.
    package func audit(_ accounts: [PartitionAccount]) -> PushAudit {
        let (sent, acknowledged) = notes.withLock { $0 }
        return PushAudit(accounts: accounts, sent: sent, acknowledged: acknowledged)
    }

    private static func insert(_ noted: RoleReport.NotedPushes, into notes: inout PushNotes) {
        for push in noted.pushes {
            notes.insert(
                session: noted.session, partition: PartitionID(rawValue: push.partition), sequence: push.sequence)
        }
    }
}
