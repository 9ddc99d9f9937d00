package import Coordination
package import MeshWire

/// What a partition remembers of the pushes that it has answered, so that each is applied once however often it
/// arrives. A state machine without I/O or clock; it lives beside the parameters, and is changed by the records of the
/// partition's log alone: whoever executes the same records has the same ledger.
///
/// ```
///              receivedPush: .apply       a record: finishedPush
///   (unknown) ──────────────────► the log ──────────────────► finished: applied or rejected, with its reply
///                                                                │ a record that acknowledges it
///                                                                ▼
///                                                             its outcome alone: one bit of a run
/// ```
/// A push is received, recorded and finished in one critical section of its partition, so that a copy which arrives
/// meanwhile waits for the partition and then finds the reply. It is acknowledged when the log is as safe as it shall
/// be.
///
/// Memory is bounded: replies are kept for as many pushes as a session may have without acknowledgement, outcomes as
/// runs of sequence numbers, and what would go beyond is refused, never forgotten. Runs are kept apart for good, as the
/// audit compares them number by number: a session that has as many as it may have is at its end in this partition.
package struct PushLedger: Sendable {
    /// How much is remembered.
    package struct Limits: Sendable, Hashable {
        /// The most pushes of a session beyond what it has acknowledged. Default 1,024.
        package var unacknowledged: UInt64 = 1_024
        /// The most runs of sequence numbers of a session: each rejected or abandoned push may cut one. At the limit
        /// every further push of the session is refused. Default 1,024.
        package var runs = 1_024
        /// The most sessions. Default 65,536.
        package var sessions = 65_536
        /// The most bytes of functions' answers that a session has not acknowledged. Default 64 KiB.
        package var answerBytes = 64 << 10
        #if DEBUG
            /// What the partition does wrong on purpose.
            package var mutation: PartitionMutation?
        #endif

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
    package struct Account: Sendable, Hashable {
        /// An answer that its session may still ask for.
        package struct Answer: Sendable, Hashable {
            package var sequence: UInt64
            package var reply: PushReply
        }

        /// Nothing up to here is applied any more: the session holds the answers or has given the pushes up.
        package var acknowledgedThrough: UInt64 = 0
        package var applied = SequenceSet()
        package var rejected = SequenceSet()
        /// Those that the table's policy passed over: see ``TableDeclaration/NonFinitePolicy/skip``.
        package var skipped = SequenceSet()
        /// The answers beyond that, by ascending sequence number.
        package var answers: [Answer] = []
        /// The partition's versions that the session's own pushes made, after that which its last gradient is of.
        package var ownVersions = SequenceSet()

        package init() {}

        /// The runs of numbers that are kept apart.
        var runCount: Int { applied.runs.count + rejected.runs.count + skipped.runs.count }

        /// The bytes of functions' answers that are kept.
        var answerBytes: Int { answers.reduce(0) { $0 + ($1.reply.answer?.count ?? 0) } }

        /// Where the answer to `sequence` is or belongs. Nearly always at the end.
        func place(of sequence: UInt64) -> Int {
            var place = answers.count
            while place > 0, answers[place - 1].sequence >= sequence { place -= 1 }
            return place
        }

        func answer(to sequence: UInt64) -> Answer? {
            let place = place(of: sequence)
            return place < answers.count && answers[place].sequence == sequence ? answers[place] : nil
        }

        mutating func acknowledge(through sequence: UInt64) {
            guard sequence > acknowledgedThrough else { return }
            acknowledgedThrough = sequence
            answers.removeFirst(answers.prefix { $0.sequence <= sequence }.count)
        }
    }

    let limits: Limits
    private var accounts: [SessionID: Account] = [:]
    /// Copies of answered pushes that were not applied again, here: not a part of what the log makes.
    package private(set) var duplicatesSuppressed: UInt64 = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// The ledger that these accounts were taken from.
    package init(limits: Limits, accounts: [SessionID: Account]) {
        self.limits = limits
        self.accounts = accounts
    }

    /// Decides about a push of `session`, which says that it holds the answers of all numbers up to
    /// `acknowledgedThrough` or has given them up. Changes nothing but the count of duplicates.
    package mutating func receivedPush(
        _ session: SessionID, sequence: UInt64, acknowledgedThrough: UInt64
    ) -> Action {
        guard sequence > acknowledgedThrough else {
            return .reject(
                .malformedRequest, "push \(sequence) says that \(acknowledgedThrough) and all before are acknowledged")
        }
        guard let account = accounts[session] ?? (accounts.count < limits.sessions ? Account() : nil) else {
            return .reject(.ledgerFull, "pushes of \(limits.sessions) sessions are remembered, the limit")
        }
        guard sequence > account.acknowledgedThrough else {
            if account.applied.contains(sequence) { duplicatesSuppressed += 1 }
            return .reject(
                .acknowledged, "push \(sequence) comes after its session acknowledged \(account.acknowledgedThrough)")
        }
        if var answer = account.answer(to: sequence) {
            duplicatesSuppressed += 1
            answer.reply.isReplay = true
            return .replay(answer.reply)
        }
        let beyond = sequence - max(account.acknowledgedThrough, acknowledgedThrough)
        guard beyond <= limits.unacknowledged else {
            return .reject(
                .ledgerFull,
                "push \(sequence) is \(beyond) beyond the last acknowledgement, the limit is \(limits.unacknowledged)")
        }
        guard account.runCount < limits.runs else {
            return .reject(
                .ledgerFull,
                "the session's rejected, skipped and lost pushes have cut its numbers into \(limits.runs) runs, the limit; only a new session can push here"
            )
        }
        return .apply
    }

    /// The answer to a push, if its session may still ask for it.
    package func answer(to sequence: UInt64, of session: SessionID) -> PushReply? {
        accounts[session]?.answer(to: sequence)?.reply
    }

    /// The bytes of functions' answers that are kept of `session`, once it has acknowledged the numbers up to `sequence`.
    func keptAnswerBytes(of session: SessionID, after sequence: UInt64) -> Int {
        accounts[session]?.answers.reduce(0) {
            $0 + ($1.sequence > sequence ? $1.reply.answer?.count ?? 0 : 0)
        } ?? 0
    }

    /// The pushes of others that were applied after version `basis`, when `applied` have been in all.
    package func staleness(of session: SessionID, basis: UInt64, applied: UInt64) -> UInt64 {
        guard applied > basis else { return 0 }
        return applied - basis - (accounts[session]?.ownVersions.count(above: basis) ?? 0)
    }

    /// Takes down what a record made of a push that ``receivedPush(_:sequence:acknowledgedThrough:)`` let through.
    ///
    /// - Parameters:
    ///   - acknowledgedThrough: what the push acknowledged.
    ///   - basis: the applied pushes that its gradient was computed after.
    package mutating func finishedPush(
        _ session: SessionID, sequence: UInt64, acknowledgedThrough: UInt64, basis: UInt64, with reply: PushReply
    ) {
        var account = accounts.removeValue(forKey: session) ?? Account()
        precondition(
            sequence > account.acknowledgedThrough && account.answer(to: sequence) == nil,
            "push \(sequence) of session \(session) was finished twice")
        account.acknowledge(through: acknowledgedThrough)
        account.ownVersions.remove(through: basis)
        switch reply.outcome {
        case .applied:
            account.applied.insert(sequence)
            account.ownVersions.insert(reply.version.applied)
            // A worker that never pulls again keeps its latest: staleness is then told too high rather than memory
            // lost.
            if account.ownVersions.runs.count > limits.runs {
                account.ownVersions.remove(through: account.ownVersions.runs[0].upperBound)
            }
        case .skipped:
            account.skipped.insert(sequence)
        case .refused:
            account.rejected.insert(sequence)
        }
        let answer = Account.Answer(sequence: sequence, reply: reply)
        account.answers.insert(answer, at: account.place(of: sequence))
        accounts[session] = account
    }

    /// Takes these accounts in place of its own: the partition goes back to where it had them. Answers say from then on
    /// that their pushes are in a checkpoint.
    package mutating func goBack(to accounts: [(session: SessionID, account: Account)]) {
        self.accounts = [:]
        for (session, account) in accounts {
            var account = account
            for index in account.answers.indices { account.answers[index].reply.durability = .checkpoint }
            self.accounts[session] = account
        }
    }

    /// Forgets the answers of a session that may push no more: nobody can ask for them. Its outcomes stay.
    package mutating func forgetAnswers(of session: SessionID) {
        accounts[session]?.answers = []
        accounts[session]?.ownVersions = SequenceSet()
    }

    /// The pushes of `session` that were applied.
    package func applied(of session: SessionID) -> SequenceSet {
        accounts[session]?.applied ?? SequenceSet()
    }

    /// Every session's account, in the order of sessions.
    package var sortedAccounts: [(session: SessionID, account: Account)] {
        accounts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Every session's pushes, in the order of sessions.
    package var sessions: [PartitionAccount.Session] {
        sortedAccounts.map {
            PartitionAccount.Session(
                session: $0.session, applied: $0.account.applied, rejected: $0.account.rejected,
                skipped: $0.account.skipped)
        }
    }

    /// What a ledger takes, and how near its limits it is.
    struct Usage: Sendable {
        var sessions = 0
        var answers = 0
        /// The answers, and the runs, of the session that has the most.
        var fullestAnswers = 0
        var fullestRuns = 0
        /// About what it takes in memory.
        var bytes = 0
    }

    /// What it takes. Complexity: O(sessions).
    var usage: Usage {
        var usage = Usage(sessions: accounts.count)
        for account in accounts.values {
            let runs = account.runCount
            usage.answers += account.answers.count
            usage.fullestAnswers = max(usage.fullestAnswers, account.answers.count)
            usage.fullestRuns = max(usage.fullestRuns, runs)
            usage.bytes +=
                MemoryLayout<Account>.stride + account.answers.count * MemoryLayout<Account.Answer>.stride
                + account.answerBytes
                + (runs + account.ownVersions.runs.count) * MemoryLayout<ClosedRange<UInt64>>.stride
        }
        return usage
    }

    /// The version of the partition that the session's last push made; `nil` where it has not pushed.
    func lastVersion(of session: SessionID) -> UInt64? { accounts[session]?.ownVersions.runs.last?.upperBound }

    /// Answers that are kept, over all sessions.
    package var answerCount: Int { accounts.values.reduce(0) { $0 + $1.answers.count } }
}
