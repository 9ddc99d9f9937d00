import Coordination
import Identity
import Synchronization

extension WaitBook.Subject {
    /// A push, for its turn.
    static func turn(of push: PartitionPush, at partition: Partition) -> WaitBook.Subject {
        WaitBook.Subject(
            reason: .turn, waiter: .push(push.sequence), blocker: .turns, partition: partition.name, peer: push.peer,
            session: push.session, slot: push.slot)
    }

    /// A push that was executed, for the chain or the log.
    static func safety(
        of push: PartitionPush, _ answer: Partition.Answer, at partition: Partition
    ) -> WaitBook.Subject {
        var subject = turn(of: push, at: partition)
        (subject.reason, subject.blocker) = partition.safety(waitsForChain: answer.recorded != nil)
        return subject
    }

    /// A push that is here, for its round.
    static func round(_ sequence: UInt64, of worker: RoundDecision.Worker, _ peer: SPIFFEID, at partition: Partition)
        -> WaitBook.Subject
    {
        WaitBook.Subject(
            reason: .round, waiter: .push(sequence), blocker: .workers, partition: partition.name, peer: peer,
            session: worker.session, slot: worker.slot)
    }

    /// A worker, for the leader's decision.
    static func arrival(of worker: RoundDecision.Worker, _ peer: SPIFFEID, at leader: Partition) -> WaitBook.Subject {
        WaitBook.Subject(
            reason: .round, waiter: .arrival, blocker: .workers, partition: leader.name, peer: peer,
            session: worker.session, slot: worker.slot)
    }

    /// A pull.
    static func pull(
        _ reason: StallReport.Reason, _ blocker: Blocker, _ partition: Partition, _ peer: SPIFFEID?
    ) -> WaitBook.Subject {
        WaitBook.Subject(reason: reason, waiter: .pull, blocker: blocker, partition: partition.name, peer: peer)
    }

    /// A call of a client.
    static func answer(_ share: TableSet.Share) -> WaitBook.Subject {
        WaitBook.Subject(
            reason: .answer, waiter: .call(partitions: share.places.count), blocker: .server(share.server.name),
            partition: share.places.first?.name, peer: share.server.identity)
    }
}

extension Partition {
    /// What somebody waits for who wants what was executed to be safe.
    func safety() -> (StallReport.Reason, WaitBook.Subject.Blocker) {
        safety(waitsForChain: chain.withLock { $0.waitsForSuccessor })
    }

    /// The same of a record that waits for the chain, or for the log alone.
    func safety(waitsForChain: Bool) -> (StallReport.Reason, WaitBook.Subject.Blocker) {
        waitsForChain ? (.chain, .followers(chain.withLock { $0.place?.successor })) : (.log, .log)
    }
}
