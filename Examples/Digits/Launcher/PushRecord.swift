package import Coordination
import Synchronization

/// Every push that a worker noted at the launcher, before its first attempt or when it was acknowledged.
///
/// Kept apart from what the servers say of themselves: the two can disagree. Safe to share: guarded by a mutex.
package final class PushRecord: Sendable {
    /// Whose sequence numbers a set holds.
    package struct Key: Hashable, Sendable, Comparable {
        package var session: String
        package var partition: String

        package init(session: String, partition: String) {
            self.session = session
            self.partition = partition
        }

        package static func < (left: Key, right: Key) -> Bool {
            (left.partition, left.session) < (right.partition, right.session)
        }
    }

    package struct Contents: Sendable {
        package var sent: [Key: SequenceSet] = [:]
        package var acknowledged: [Key: SequenceSet] = [:]
        /// Pushes that were noted a second time: each should leave once, whatever its attempts.
        package var notedTwice = 0

        package init() {}
    }

    private let contents = Mutex(Contents())

    package init() {}

    /// Takes a note that these pushes are about to leave.
    package func noteSending(_ notes: RoleReport.PushNotes) {
        contents.withLock { contents in
            for push in notes.pushes {
                let key = Key(session: notes.session, partition: push.partition)
                if !contents.sent[key, default: SequenceSet()].insert(push.sequence) { contents.notedTwice += 1 }
            }
        }
    }

    /// Takes a note that these pushes were acknowledged.
    package func noteAcknowledged(_ notes: RoleReport.PushNotes) {
        contents.withLock { contents in
            for push in notes.pushes {
                let key = Key(session: notes.session, partition: push.partition)
                contents.acknowledged[key, default: SequenceSet()].insert(push.sequence)
            }
        }
    }

    /// All notes so far.
    package var snapshot: Contents { contents.withLock { $0 } }
}
