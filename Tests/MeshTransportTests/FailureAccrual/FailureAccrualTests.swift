import MeshWire
import Testing

@testable import MeshTransport

@Suite struct FailureAccrualTests {
    private func accrual(_ change: (inout FailureAccrualConfiguration) -> Void = { _ in }) -> FailureAccrual {
        var configuration = FailureAccrualConfiguration()
        configuration.jitter = 0
        change(&configuration)
        return FailureAccrual(configuration)
    }

    /// Calls that end one after the other, 1 ms apart.
    private func run(
        _ accrual: inout FailureAccrual, _ outcomes: [EndpointOutcome], from start: Duration = .zero,
        mayOpen: Bool = true, chance: Double = 0
    ) {
        for (index, outcome) in outcomes.enumerated() {
            accrual.began()
            accrual.ended(outcome, mayOpen: mayOpen, now: .at(start + .milliseconds(index)), chance: chance)
        }
    }

    private func failures(_ count: Int) -> [EndpointOutcome] { Array(repeating: .failure, count: count) }

    @Test("seven failures in a row leave an endpoint out, and six do not")
    func consecutive() {
        var accrual = accrual()
        run(&accrual, failures(6) + [.success] + failures(6))
        #expect(accrual.state == .closed)
        run(&accrual, failures(1), from: .seconds(1))
        #expect(accrual.state == .open(until: .at(.seconds(2))))
        #expect(!accrual.takesCalls)
    }

    @Test("refusals for now and calls that were given up are no failures in a row")
    func others() {
        var accrual = accrual()
        run(
            &accrual,
            failures(6) + Array(repeating: .rateLimited(retryAfter: nil), count: 20)
                + Array(repeating: .unknown, count: 20))
        #expect(accrual.state == .closed)
    }

    @Test("an endpoint is not left out while too many others are")
    func cap() {
        var accrual = accrual()
        run(&accrual, failures(100), mayOpen: false)
        #expect(accrual.state == .closed)
        run(&accrual, failures(1), from: .seconds(1))
        #expect(accrual.state == .open(until: .at(.seconds(2))))
    }

    @Test("after its penalty it takes one call, whose success brings it back")
    func probe() {
        var accrual = accrual()
        run(&accrual, failures(7))
        accrual.penaltyEnded()
        #expect(accrual.state == .probation)
        #expect(accrual.takesCalls)
        accrual.began()
        #expect(!accrual.takesCalls)
        accrual.ended(.success, mayOpen: true, now: .at(.seconds(3)), chance: 0)
        #expect(accrual.state == .closed)
        run(&accrual, failures(6), from: .seconds(4))
        #expect(accrual.state == .closed)
    }

    @Test("a probe that fails doubles the penalty, up to its limit")
    func longer() {
        var accrual = accrual { $0.maximumPenalty = .seconds(5) }
        run(&accrual, failures(7))
        var now = Duration.seconds(10)
        for penalty in [2, 4, 5, 5] {
            accrual.penaltyEnded()
            run(&accrual, failures(1), from: now)
            #expect(accrual.state == .open(until: .at(now + .seconds(penalty))))
            now += .seconds(10)
        }
    }

    @Test("a probe that was given up is followed by another")
    func abandonedProbe() {
        var accrual = accrual()
        run(&accrual, failures(7))
        accrual.penaltyEnded()
        accrual.began()
        accrual.ended(.unknown, mayOpen: true, now: .at(.seconds(3)), chance: 0)
        #expect(accrual.state == .probation)
    }

    @Test("calls that were sent before do not decide about an endpoint that is left out")
    func late() {
        var accrual = accrual()
        run(&accrual, failures(7))
        run(&accrual, [.success, .failure], from: .milliseconds(500))
        #expect(accrual.state == .open(until: .at(.seconds(1) + .milliseconds(6))))
    }

    @Test("chance lengthens a penalty, so that clients do not come back at once")
    func jitter() {
        var accrual = accrual { $0.jitter = 0.5 }
        run(&accrual, failures(7), chance: 0.5)
        #expect(accrual.state == .open(until: .at(.milliseconds(6) + .milliseconds(1_250))))
    }

    @Test("a low share of successes leaves an endpoint out that never fails often in a row")
    func successRate() {
        var accrual = accrual {
            $0.consecutiveFailures = nil
            $0.successRate = .init()
        }
        run(&accrual, [.success, .success, .failure, .failure])
        #expect(accrual.state == .closed)
        run(&accrual, [.success], from: .milliseconds(10))
        #expect(accrual.state == .closed, "a success does not leave an endpoint out")
        run(&accrual, [.rateLimited(retryAfter: nil)], from: .milliseconds(20))
        #expect(accrual.state != .closed)
    }

    @Test("the share counts the last ten seconds, and at least five calls")
    func window() {
        var accrual = accrual {
            $0.consecutiveFailures = nil
            $0.successRate = .init()
        }
        run(&accrual, failures(4))
        run(&accrual, failures(4), from: .seconds(11))
        #expect(accrual.state == .closed)
        run(&accrual, Array(repeating: .success, count: 100), from: .seconds(12))
        run(&accrual, failures(20), from: .seconds(13))
        #expect(accrual.state == .closed, "76 of 100 and 28 failures")
        run(&accrual, failures(4), from: .seconds(22) + .milliseconds(500))
        #expect(accrual.state != .closed, "what was more than ten seconds ago is forgotten")
    }

    @Test("time that stands still or jumps is no trouble", arguments: [0, 1, 9, 10, 11, 1_000_000])
    func jumps(_ seconds: Int) {
        var window = SuccessWindow(length: .seconds(10))
        window.count(isSuccess: true, .at(.seconds(-5)))
        window.count(isSuccess: true, .at(.seconds(seconds)))
        window.count(isSuccess: false, .at(.seconds(seconds)))
        let (successes, all) = window.counts(.at(.seconds(seconds)))
        #expect(all == (seconds < 5 ? 3 : 2))
        #expect(successes == all - 1)
    }

    @Test("a configuration that cannot be met is refused with all that is wrong")
    func problems() {
        var configuration = FailureAccrualConfiguration()
        #expect(configuration.problems.isEmpty)
        configuration.consecutiveFailures = 0
        configuration.successRate = .init()
        configuration.successRate?.threshold = 2
        configuration.minimumPenalty = .zero
        configuration.maximumEjectedShare = -1
        #expect(configuration.problems.count == 4)
    }
}
