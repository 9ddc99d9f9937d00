#if DEBUG
    import MeshWire

    /// What a partition does wrong on purpose, for the negative control of the tests that a right one passes: a harness
    /// that finds none of these would find nothing. Debug builds alone have it, and nothing outside the package.
    package enum PartitionMutation: Sendable, Hashable, CaseIterable {
        /// A copy of a push that was answered is applied again.
        case appliesCopies
        /// Sessions that made way for newer ones, or have ended, go on pushing.
        case takesFencedSessions
        /// Pushes are acknowledged before the log has their records.
        case answersBeforeLog
        /// Pushes are acknowledged before the followers have their records.
        case answersBeforeFollowers
    }

    extension PushLedger {
        /// The ledger as it would be without this push, whatever it has answered.
        mutating func forget(_ sequence: UInt64, of session: SessionID) {
            var accounts = Dictionary(sortedAccounts.map { ($0.session, $0.account) }) { first, _ in first }
            accounts[session]?.answers.removeAll { $0.sequence == sequence }
            accounts[session]?.acknowledgedThrough = 0
            self = PushLedger(limits: limits, accounts: accounts)
        }
    }
#endif
