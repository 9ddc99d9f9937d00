import MeshWire
import Testing

@testable import MeshTransport

@Suite struct RetryStateTests {
    private let now = RuntimeInstant(nanoseconds: 1_000)
    private var later: RuntimeInstant { now.advanced(by: .seconds(3_600)) }

    private func configuration(_ change: (inout RetryConfiguration) -> Void = { _ in }) -> RetryConfiguration {
        var configuration = RetryConfiguration()
        configuration.jitter = 0
        change(&configuration)
        return configuration
    }

    @Test(
        "what has certainly not run is retried by all, what may have run by those that bear it, the rest by none",
        arguments: [
            (.idempotent, .notRun, true), (.idempotent, .mayHaveRun, true), (.idempotent, .final, false),
            (.deduplicated, .notRun, true), (.deduplicated, .mayHaveRun, true), (.deduplicated, .final, false),
            (.never, .notRun, true), (.never, .mayHaveRun, false), (.never, .final, false),
        ] as [(RetrySafety, AttemptFailure, Bool)])
    func safety(_ safety: RetrySafety, _ failure: AttemptFailure, isRetried: Bool) {
        var state = RetryState(safety, configuration(), deadline: later)
        let decision = state.failed(failure, at: now, chance: 0)
        #expect(decision == (isRetried ? .retry(at: now.advanced(by: .milliseconds(25))) : .giveUp))
        #expect(state.attempts == (isRetried ? 2 : 1))
    }

    @Test("no more attempts are made than allowed", arguments: 1...6)
    func attempts(maximum: Int) {
        var state = RetryState(.idempotent, configuration { $0.maximumAttempts = maximum }, deadline: later)
        var retries = 0
        while case .retry = state.failed(.notRun, at: now, chance: 0) { retries += 1 }
        #expect(retries == maximum - 1)
        #expect(state.attempts == maximum)
        #expect(state.failed(.notRun, at: now, chance: 0) == .giveUp)
    }

    @Test("waits double up to the limit and no further, however many attempts there are")
    func backoff() {
        var state = RetryState(
            .idempotent,
            configuration {
                $0.maximumAttempts = 2_000
                $0.backoffBase = .milliseconds(25)
                $0.backoffLimit = .milliseconds(150)
            }, deadline: later)
        var waits: [Duration] = []
        while case .retry(let next) = state.failed(.notRun, at: now, chance: 0) { waits.append(now.duration(to: next)) }
        #expect(
            waits.prefix(5) == [
                .milliseconds(25), .milliseconds(50), .milliseconds(100), .milliseconds(150), .milliseconds(150),
            ])
        #expect(waits.dropFirst(5).allSatisfy { $0 == .milliseconds(150) })
    }

    @Test("no configuration makes a wait overflow")
    func hugeBackoff() {
        for base in [Duration.seconds(Int64.max), .seconds(1 << 40)] {
            var state = RetryState(
                .idempotent,
                configuration {
                    $0.maximumAttempts = 100
                    $0.backoffBase = base
                    $0.backoffLimit = .seconds(Int64.max)
                }, deadline: RuntimeInstant(nanoseconds: .max))
            #expect(state.failed(.notRun, at: now, chance: 0.5) == .giveUp)
        }
    }

    @Test("chance shortens the wait by the share that jitter says")
    func jitter() {
        for (chance, milliseconds) in [(0.0, 100.0), (0.5, 75.0), (1.0, 50.0)] {
            var state = RetryState(
                .idempotent,
                configuration {
                    $0.backoffBase = .milliseconds(100)
                    $0.jitter = 0.5
                }, deadline: later)
            guard case .retry(let next) = state.failed(.notRun, at: now, chance: chance) else {
                Issue.record("expected a retry")
                return
            }
            #expect(abs(now.duration(to: next).inSeconds * 1_000 - milliseconds) < 0.001)
        }
    }

    @Test("there is no attempt that would begin at the deadline or after it")
    func deadline() {
        for (left, isRetried) in [
            (Duration.milliseconds(24), false), (.milliseconds(25), false), (.milliseconds(26), true),
        ] {
            var state = RetryState(.idempotent, configuration(), deadline: now.advanced(by: left))
            #expect((state.failed(.notRun, at: now, chance: 0) != .giveUp) == isRetried)
        }
    }

    @Test("an attempt has a limit of its own only if another may follow")
    func attemptDeadline() {
        let limit = now.advanced(by: .seconds(10))
        #expect(RetryState(.idempotent, configuration(), deadline: later).attemptDeadline(from: now) == limit)
        #expect(RetryState(.deduplicated, configuration(), deadline: later).attemptDeadline(from: now) == limit)
        #expect(RetryState(.never, configuration(), deadline: later).attemptDeadline(from: now) == later)
        let once = configuration { $0.maximumAttempts = 1 }
        #expect(RetryState(.idempotent, once, deadline: later).attemptDeadline(from: now) == later)
        let soon = now.advanced(by: .seconds(1))
        #expect(RetryState(.idempotent, configuration(), deadline: soon).attemptDeadline(from: now) == soon)
    }
}
