package import Coordination
package import MeshWire

/// What a partition remembers of the pushes that it has answered, so that each is applied once however often it
/// arrives. A state machine without I/O or clock; it lives beside the parameters and moves with them.
///
/// ```
///              receivedPush: .apply           finishedPush
///   (unknown) ──────────────────► the partition ──────────► finished: applied or rejected, with its reply
///                                                              │ acknowledgedThrough ≥ sequence
///                                                              ▼
///                                                           its outcome alone: one bit of a run
/// ```
/// A push is received and finished in one critical section of its partition, so that a copy which arrives meanwhile
/// waits for the partition and then finds the reply.
///
/// Memory is bounded: replies are kept for as many pushes as a session may have without acknowledgement, outcomes as
/// runs of sequence numbers, and what would go beyond is refused, never forgotten. Runs are kept apart for good, as the
/// audit compares them number by number: a session that has as many as it may have is at its end in this partition.
package struct PushLedger: Sendable {
    /// How much is remembered.
    package struct Limits: Sendable, Hashable {
        /// The most pushes of a session beyond what it has acknowledged. Default 1,024.
        package var unacknowledged: UInt64 = 1_024
        /// The most runs of sequence numbers of a session: each rejected or abandoned push may cut one. At the limit every
        /// further push of the session is refused. Default 1,024.
        package var runs = 1_024
        /// The most sessions. Default 65,536.
        package var sessions = 65_536

        package init() {}
    }

    /// What a partition does with a push that arrives.
    package enum Action: Sendable, Hashable {
        /// Apply or reject it, and say so with ``finishedPush(_:sequence:with:)``.
        case apply
        /// It has been answered; this was the answer.
        case replay(PushReply)
        /// Refuse it; nothing is remembered of it.
        case reject(ParameterServerError.Code, String)
    }

    /// A session's pushes.
    private struct Account: Sendable {
        /// Nothing up to here is applied any more: the session holds the answers or has given the pushes up.
        var acknowledgedThrough: UInt64 = 0
        var applied = SequenceSet()
        var rejected = SequenceSet()
        /// The answers beyond that, by ascending sequence number.
        var replies: [(sequence: UInt64, reply: PushReply)] = []

        /// Where the reply of `sequence` is or belongs. Nearly always at the end.
        func place(of sequence: UInt64) -> Int {
            var place = replies.count
            while place > 0, replies[place - 1].sequence >= sequence { place -= 1 }
            return place
        }

        func reply(to sequence: UInt64) -> PushReply? {
            let place = place(of: sequence)
            return place < replies.count && replies[place].sequence == sequence ? replies[place].reply : nil
        }

        mutating func acknowledge(through sequence: UInt64) {
            guard sequence > acknowledgedThrough else { return }
            acknowledgedThrough = sequence
            replies.removeFirst(replies.prefix { $0.sequence <= sequence }.count)
        }
    }

    private let limits: Limits
    private var accounts: [SessionID: Account] = [:]
    /// Copies of answered pushes that were not applied again.
    package private(set) var duplicatesSuppressed: UInt64 = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Decides about a push of `session`, which says that it holds the answers of all numbers up to
    /// `acknowledgedThrough` or has given them up.
    package mutating func receivedPush(
        _ session: SessionID, sequence: UInt64, acknowledgedThrough: UInt64
    ) -> Action {
        guard sequence > acknowledgedThrough else {
            return .reject(
                .malformedRequest, "push \(sequence) says that \(acknowledgedThrough) and all before are acknowledged")
        }
        guard accounts[session] != nil || accounts.count < limits.sessions else {
            return .reject(.ledgerFull, "pushes of \(limits.sessions) sessions are remembered, the limit")
        }
        accounts[session, default: Account()].acknowledge(through: acknowledgedThrough)
        let account = accounts[session, default: Account()]
        guard sequence > account.acknowledgedThrough else {
            if account.applied.contains(sequence) { duplicatesSuppressed += 1 }
            return .reject(
                .acknowledged, "push \(sequence) comes after its session acknowledged \(account.acknowledgedThrough)")
        }
        if var reply = account.reply(to: sequence) {
            duplicatesSuppressed += 1
            reply.isReplay = true
            return .replay(reply)
        }
        guard sequence - account.acknowledgedThrough <= limits.unacknowledged else {
            return .reject(
                .ledgerFull,
                "push \(sequence) is \(sequence - account.acknowledgedThrough) beyond the last acknowledgement, the limit is \(limits.unacknowledged)"
            )
        }
        guard account.applied.runs.count + account.rejected.runs.count < limits.runs else {
            return .reject(
                .ledgerFull,
                "the session's rejected and lost pushes have cut its numbers into \(limits.runs) runs, the limit; only a new session can push here"
            )
        }
        return .apply
    }

    /// Takes down what became of a push that ``receivedPush(_:sequence:acknowledgedThrough:)`` let through.
    package mutating func finishedPush(_ session: SessionID, sequence: UInt64, with reply: PushReply) {
        var account = accounts.removeValue(forKey: session) ?? Account()
        precondition(
            sequence > account.acknowledgedThrough && account.reply(to: sequence) == nil,
            "push \(sequence) of session \(session) was finished twice")
        switch reply.outcome {
        case .applied: account.applied.insert(sequence)
        case .refused: account.rejected.insert(sequence)
        }
        account.replies.insert((sequence, reply), at: account.place(of: sequence))
        accounts[session] = account
    }

    /// The pushes of `session` that were applied.
    package func applied(of session: SessionID) -> SequenceSet {
        accounts[session]?.applied ?? SequenceSet()
    }

    /// Every session's pushes, in the order of sessions.
    package var sessions: [PartitionAccount.Session] {
        accounts.sorted { $0.key < $1.key }.map {
            PartitionAccount.Session(session: $0.key, applied: $0.value.applied, rejected: $0.value.rejected)
        }
    }

    /// Replies that are kept, over all sessions.
    package var replyCount: Int { accounts.values.reduce(0) { $0 + $1.replies.count } }
}
