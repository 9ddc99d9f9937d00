import Identity
import MeshWire
import Testing

@testable import MeshTransport

@Suite struct DeduplicationLedgerTests {
    private func time(_ seconds: Int64) -> RuntimeInstant { RuntimeInstant(nanoseconds: seconds * 1_000_000_000) }

    private func call(
        _ sequence: UInt64, acknowledged: UInt64 = 0, session: UInt64 = 1, method: String = "a.B/C",
        deadline: Int64 = 10, peer: SPIFFEID? = nil
    ) -> DeduplicatedCall {
        DeduplicatedCall(
            peer: peer, session: SessionID(high: 0, low: session), sequence: sequence,
            acknowledgedThrough: acknowledged, method: method, deadline: time(deadline))
    }

    private func outcome(_ text: String) -> RememberedOutcome { RememberedOutcome(Reply(message: text)) }

    private func name(_ verdict: DeduplicationLedger.Verdict) -> String {
        switch verdict {
        case .run: "run"
        case .wait: "wait"
        case .replay(let outcome): "replay \(outcome.reply.message)"
        case .refuse(let failure): "refuse \(failure.status)"
        }
    }

    @Test("a call runs once; its copies wait for it and get its answer")
    func once() {
        var ledger = DeduplicationLedger(DeduplicationConfiguration())
        #expect(name(ledger.begin(call(1), now: time(0))) == "run")
        #expect(name(ledger.begin(call(1), now: time(0))) == "wait")
        ledger.end(call(1), outcome("one"))
        #expect(name(ledger.begin(call(1), now: time(1))) == "replay one")
        #expect(name(ledger.begin(call(1, session: 2), now: time(1))) == "run")
        #expect(name(ledger.begin(call(1, method: "a.B/D"), now: time(1))) == "refuse invalidArgument")
    }

    @Test("a call that has not run may run again")
    func notRun() {
        var ledger = DeduplicationLedger(DeduplicationConfiguration())
        #expect(name(ledger.begin(call(1), now: time(0))) == "run")
        ledger.end(call(1), nil)
        #expect(ledger.used.calls == 0)
        #expect(name(ledger.begin(call(1), now: time(0))) == "run")
    }

    @Test("what is acknowledged is forgotten, and does not run again")
    func acknowledged() {
        var ledger = DeduplicationLedger(DeduplicationConfiguration())
        for sequence in 1...5 as ClosedRange<UInt64> {
            #expect(name(ledger.begin(call(sequence), now: time(0))) == "run")
            if sequence != 4 { ledger.end(call(sequence), outcome("\(sequence)")) }
        }
        #expect(name(ledger.begin(call(6, acknowledged: 4), now: time(0))) == "run")
        #expect(ledger.used.calls == 3)
        #expect(name(ledger.begin(call(3), now: time(0))) == "refuse failedPrecondition")
        #expect(name(ledger.begin(call(5), now: time(0))) == "replay 5")
        // Given up while it ran: nobody is told how it ended.
        ledger.end(call(4), outcome("late"))
        #expect(ledger.used.calls == 2)
        #expect(name(ledger.begin(call(4), now: time(0))) == "refuse failedPrecondition")
    }

    @Test("what is not acknowledged is kept, and calls beyond the room are refused before they run")
    func full() {
        var configuration = DeduplicationConfiguration()
        configuration.calls = 3
        configuration.peerShare = 1
        var ledger = DeduplicationLedger(configuration)
        for sequence in 1...3 as ClosedRange<UInt64> {
            _ = ledger.begin(call(sequence, deadline: 1_000), now: time(0))
            ledger.end(call(sequence), outcome("\(sequence)"))
        }
        #expect(name(ledger.begin(call(4), now: time(500))) == "refuse resourceExhausted")
        #expect(name(ledger.begin(call(2), now: time(500))) == "replay 2")
        #expect(name(ledger.begin(call(4, acknowledged: 1), now: time(500))) == "run")
        var bytes = DeduplicationConfiguration()
        bytes.bytes = 300
        bytes.peerShare = 1
        ledger = DeduplicationLedger(bytes)
        _ = ledger.begin(call(1), now: time(0))
        ledger.end(call(1), outcome(String(repeating: "x", count: 100)))
        #expect(name(ledger.begin(call(2), now: time(1))) == "refuse resourceExhausted")
    }

    @Test("callers that vanish leave nothing behind, a while after their deadlines")
    func vanished() {
        var ledger = DeduplicationLedger(DeduplicationConfiguration())
        for session in 1...100 as ClosedRange<UInt64> {
            _ = ledger.begin(call(1, session: session), now: time(0))
            ledger.end(call(1, session: session), outcome("x"))
        }
        #expect(ledger.used.calls == 100)
        _ = ledger.begin(call(1, session: 101), now: time(65))
        #expect(ledger.used.calls == 101)
        _ = ledger.begin(call(2, session: 101), now: time(500))
        #expect(ledger.used.calls == 2)
        // What runs is kept whatever the time.
        #expect(name(ledger.begin(call(1, session: 101), now: time(5_000))) == "wait")
    }

    @Test("one peer takes its share of the room, in calls or in sessions, and leaves the rest to others")
    func share() throws {
        let greedy = try #require(SPIFFEID("spiffe://a.example/greedy"))
        let other = try #require(SPIFFEID("spiffe://a.example/other"))
        var configuration = DeduplicationConfiguration()
        (configuration.calls, configuration.sessions, configuration.peerShare) = (40, 20, 0.25)
        var ledger = DeduplicationLedger(configuration)
        for session in 1...100 as ClosedRange<UInt64> {
            let verdict = ledger.begin(call(1, session: session, peer: greedy), now: time(0))
            #expect(name(verdict) == (session <= 5 ? "run" : "refuse resourceExhausted"))
        }
        #expect(ledger.used.sessions == 5)
        for sequence in 2...100 as ClosedRange<UInt64> {
            let verdict = ledger.begin(call(sequence, session: 1, peer: greedy), now: time(0))
            #expect(name(verdict) == (sequence <= 6 ? "run" : "refuse resourceExhausted"))
        }
        #expect(ledger.used.calls == 10)
        #expect(name(ledger.begin(call(1, peer: other), now: time(0))) == "run")
    }

    @Test("a call that waits for longer than answers are kept does not run, and nothing is kept of it")
    func longestTimeout() {
        var ledger = DeduplicationLedger(DeduplicationConfiguration())
        #expect(name(ledger.begin(call(1, deadline: 86_401), now: time(0))) == "refuse invalidArgument")
        var endless = call(1)
        endless.deadline = RuntimeInstant(nanoseconds: .max)
        #expect(name(ledger.begin(endless, now: time(0))) == "refuse invalidArgument")
        #expect(ledger.used.sessions == 0 && ledger.used.calls == 0)
        #expect(name(ledger.begin(call(1, deadline: 86_400), now: time(0))) == "run")
        #expect(name(ledger.begin(call(1, deadline: 86_500), now: time(100))) == "wait")
        #expect(ledger.used.sessions == 1)
    }

    @Test("a client's numbers ascend, and acknowledge what has ended without a gap")
    func numbers() {
        let numbers = CallNumbers()
        let session = SessionID(high: 1, low: 1)
        let calls = (0..<4).map { _ in numbers.begin(in: session) }
        #expect(calls.map { $0.entries[0].sequence } == [1, 2, 3, 4])
        #expect(calls.allSatisfy { $0.entries[0].acknowledgedThrough == 0 })
        numbers.end(calls[1])
        numbers.end(calls[0])
        #expect(numbers.begin(in: session).entries[0].acknowledgedThrough == 2)
        let other = numbers.begin(in: SessionID(high: 2, low: 2))
        #expect(other.entries[0].sequence == 1 && other.entries[0].acknowledgedThrough == 0)
        // An earlier session's call does not count in this one.
        numbers.end(calls[2])
        #expect(numbers.begin(in: SessionID(high: 2, low: 2)).entries[0].acknowledgedThrough == 0)
    }
}
