import Coordination
import MeshWire
import MeshworkTesting
import Testing

@testable import ParameterServer

@Suite struct PushLedgerTests {
    private let session = Example.session(1)

    private static func reply(_ applied: UInt64, rejected: Bool = false) -> PushReply {
        PushReply(
            partition: PartitionID(rawValue: 1), outcome: rejected ? .refused(.nonFinite, "NaN") : .applied,
            version: PartitionVersion(epoch: 1, applied: applied))
    }

    /// Finishes a push as a record does that acknowledges nothing, or so much.
    private static func finish(
        _ ledger: inout PushLedger, _ session: SessionID, _ sequence: UInt64, acknowledgedThrough: UInt64 = 0,
        _ reply: PushReply
    ) {
        ledger.finishedPush(
            session, sequence: sequence, acknowledgedThrough: acknowledgedThrough, basis: 0, with: reply)
    }

    private static func limits(
        unacknowledged: UInt64 = 1_024, runs: Int = 1_024, sessions: Int = 1_024
    ) -> PushLedger.Limits {
        var limits = PushLedger.Limits()
        limits.unacknowledged = unacknowledged
        limits.runs = runs
        limits.sessions = sessions
        return limits
    }

    @Test("a copy of an answered push gets the same answer and is counted")
    func replays() {
        var ledger = PushLedger()
        let first = ledger.receivedPush(session, sequence: 1, acknowledgedThrough: 0)
        Self.finish(&ledger, session, 1, Self.reply(1))
        let second = ledger.receivedPush(session, sequence: 1, acknowledgedThrough: 0)
        var expected = Self.reply(1)
        expected.isReplay = true
        #expect(first == .apply)
        #expect(second == .replay(expected))
        #expect(ledger.duplicatesSuppressed == 1)
    }

    @Test("a push that its session has acknowledged or given up is never applied any more")
    func closedForGood() {
        var ledger = PushLedger()
        _ = ledger.receivedPush(session, sequence: 2, acknowledgedThrough: 0)
        Self.finish(&ledger, session, 2, Self.reply(1))
        _ = ledger.receivedPush(session, sequence: 5, acknowledgedThrough: 4)
        Self.finish(&ledger, session, 5, acknowledgedThrough: 4, Self.reply(2))
        for sequence in [1, 2, 3, 4] as [UInt64] {
            let action = ledger.receivedPush(session, sequence: sequence, acknowledgedThrough: 0)
            guard case .reject(.acknowledged, _) = action else {
                Issue.record("push \(sequence): \(action)")
                continue
            }
        }
        #expect(ledger.applied(of: session).runs == [2...2, 5...5])
        #expect(ledger.duplicatesSuppressed == 1)
    }

    @Test("a rejected push is listed apart, and its copy is rejected with the same words")
    func rejectedApart() {
        var ledger = PushLedger()
        _ = ledger.receivedPush(session, sequence: 1, acknowledgedThrough: 0)
        Self.finish(&ledger, session, 1, Self.reply(0, rejected: true))
        guard case .replay(let reply) = ledger.receivedPush(session, sequence: 1, acknowledgedThrough: 0)
        else {
            Issue.record("no replay")
            return
        }
        #expect(reply.outcome == .refused(.nonFinite, "NaN"))
        #expect(ledger.sessions[0].applied.isEmpty)
        #expect(ledger.sessions[0].rejected.runs == [1...1])
    }

    @Test("what would go beyond a limit is refused and not forgotten")
    func limits() {
        var ledger = PushLedger(limits: Self.limits(unacknowledged: 2, runs: 3, sessions: 2))
        func isRefused(_ session: UInt64, _ sequence: UInt64, _ acknowledged: UInt64 = 0) -> Bool {
            let action = ledger.receivedPush(
                Example.session(session), sequence: sequence, acknowledgedThrough: acknowledged)
            if case .reject(.ledgerFull, _) = action { return true }
            if action == .apply {
                Self.finish(
                    &ledger, Example.session(session), sequence, acknowledgedThrough: acknowledged,
                    Self.reply(sequence))
            }
            return false
        }
        let window = [isRefused(1, 3), isRefused(1, 2), isRefused(1, 3, 1)]
        #expect(window == [true, false, false])
        // 2–3, 5 and 7 are three runs; a fourth would be one too many.
        let runs = [isRefused(1, 5, 4), isRefused(1, 7, 6), isRefused(1, 9, 8)]
        #expect(runs == [false, false, true])
        // Waiting does not help, acknowledging does not, and the words say what does.
        let last = ledger.receivedPush(Example.session(1), sequence: 10, acknowledgedThrough: 9)
        guard case .reject(.ledgerFull, let message) = last else {
            Issue.record("\(last)")
            return
        }
        #expect(message.contains("3 runs, the limit; only a new session can push here"))
        let sessions = [isRefused(2, 1), isRefused(3, 1)]
        #expect(sessions == [false, true])
        #expect(ledger.applied(of: Example.session(1)).runs == [2...3, 5...5, 7...7])
    }

    @Test("staleness counts what others applied since the gradient's version, and not the session's own")
    func staleness() {
        var ledger = PushLedger()
        // Versions 1, 2 and 4 are another session's, 3, 5 and 6 this one's, all of gradients of version 0.
        for (version, own) in [(1, false), (2, false), (3, true), (4, false), (5, true), (6, true)] as [(UInt64, Bool)]
        {
            Self.finish(&ledger, own ? session : Example.session(2), version, Self.reply(version))
        }
        #expect(ledger.staleness(of: session, basis: 0, applied: 6) == 3)
        #expect(ledger.staleness(of: session, basis: 3, applied: 6) == 1)
        #expect(ledger.staleness(of: session, basis: 6, applied: 6) == 0)
        #expect(ledger.staleness(of: Example.session(3), basis: 2, applied: 6) == 4)
        #expect(ledger.staleness(of: session, basis: 9, applied: 6) == 0)
        // A gradient of a later version forgets the own pushes before it.
        ledger.finishedPush(
            session, sequence: 7, acknowledgedThrough: 0, basis: 5, with: Self.reply(7))
        #expect(ledger.sortedAccounts[0].account.ownVersions.runs == [6...7])
    }

    @Test("a session that may push no more keeps its outcomes and no answers")
    func forgetsAnswers() {
        var ledger = PushLedger()
        Self.finish(&ledger, session, 1, Self.reply(1))
        Self.finish(&ledger, session, 2, Self.reply(1, rejected: true))
        ledger.forgetAnswers(of: session)
        #expect(ledger.answerCount == 0)
        #expect(ledger.applied(of: session).runs == [1...1])
        #expect(ledger.sessions[0].rejected.runs == [2...2])
    }

    @Test("a push cannot acknowledge itself")
    func acknowledgesItself() {
        var ledger = PushLedger()
        guard case .reject(.malformedRequest, _) = ledger.receivedPush(session, sequence: 4, acknowledgedThrough: 4)
        else {
            Issue.record("not refused")
            return
        }
        #expect(ledger.sessions.isEmpty)
    }

    /// What a ledger is to do, without bounds and without forgetting.
    private struct NaiveLedger {
        var outcomes: [SessionID: [UInt64: PushReply]] = [:]
        var acknowledged: [SessionID: UInt64] = [:]
    }

    @Test(
        "a ledger agrees with one that forgets nothing, under copies, reorderings, losses and acknowledgements",
        arguments: 1...20 as ClosedRange<UInt64>)
    func agreesWithNaiveLedger(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var ledger = PushLedger(limits: Self.limits(unacknowledged: 12))
        var naive = NaiveLedger()
        var wrong: [String] = []
        var duplicates: UInt64 = 0
        for step in 0..<1_500 {
            let session = Example.session(UInt64.random(in: 1...3, using: &generator))
            let closed = naive.acknowledged[session, default: 0]
            // Around the window: old copies, the next ones out of order, some too far ahead.
            let lowest = closed > 4 ? closed - 4 : 1
            let sequence = UInt64.random(in: lowest...(closed + 14), using: &generator)
            var acknowledged = UInt64.random(in: lowest - 1...closed, using: &generator)
            if sequence > closed + 1, Int.random(in: 0..<4, using: &generator) == 0 {
                acknowledged = UInt64.random(in: closed..<sequence, using: &generator)
            }
            guard acknowledged < sequence else { continue }
            let action = ledger.receivedPush(session, sequence: sequence, acknowledgedThrough: acknowledged)
            let nowClosed = max(closed, acknowledged)
            let known = naive.outcomes[session]?[sequence]
            switch action {
            case .apply:
                if known != nil || sequence <= nowClosed || sequence > nowClosed + 12 {
                    wrong.append("\(step): applied")
                }
                let reply = Self.reply(UInt64(step) + 1, rejected: Int.random(in: 0..<5, using: &generator) == 0)
                Self.finish(&ledger, session, sequence, acknowledgedThrough: acknowledged, reply)
                naive.acknowledged[session] = nowClosed
                naive.outcomes[session, default: [:]][sequence] = reply
            case .replay(var reply):
                duplicates += 1
                reply.isReplay = false
                if reply != known || sequence <= closed { wrong.append("\(step): replayed") }
            case .reject(.acknowledged, _):
                if known?.outcome == .applied { duplicates += 1 }
                if sequence > closed { wrong.append("\(step): called acknowledged") }
            case .reject(.ledgerFull, _):
                if sequence <= nowClosed + 12 || known != nil { wrong.append("\(step): called full") }
            case .reject(let code, _):
                wrong.append("\(step): rejected as \(code)")
            }
        }
        #expect(wrong == [], "seed \(seed)")
        #expect(ledger.duplicatesSuppressed == duplicates, "seed \(seed)")
        for account in ledger.sessions {
            let outcomes = naive.outcomes[account.session, default: [:]]
            let applied = outcomes.filter { $0.value.outcome == .applied }.keys.sorted()
            #expect(account.applied.runs.flatMap(Array.init) == applied, "seed \(seed)")
            let rejected = outcomes.filter { $0.value.outcome != .applied }.keys.sorted()
            #expect(account.rejected.runs.flatMap(Array.init) == rejected, "seed \(seed)")
        }
        #expect(ledger.answerCount <= 3 * 12, "seed \(seed)")
    }
}
