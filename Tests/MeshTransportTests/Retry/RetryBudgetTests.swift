import MeshWire
import Testing

@testable import MeshTransport

@Suite struct RetryBudgetTests {
    private func budget(_ change: (inout RetryBudgetConfiguration) -> Void = { _ in }) -> RetryBudget {
        var configuration = RetryBudgetConfiguration()
        configuration.floor = 0
        change(&configuration)
        return RetryBudget(configuration)
    }

    private func withdrawals(_ budget: RetryBudget, at time: Duration, upTo limit: Int = 10_000) -> Int {
        (0..<limit).count { _ in budget.withdraw(now: .at(time)) }
    }

    @Test("a fifth of the calls may be repeated, and no more")
    func ratio() {
        let budget = budget()
        #expect(withdrawals(budget, at: .zero) == 0)
        for call in 0..<1_000 { budget.deposit(now: .at(.milliseconds(call))) }
        #expect(withdrawals(budget, at: .seconds(1)) == 200)
        #expect(withdrawals(budget, at: .seconds(2)) == 0)
    }

    @Test("ten retries a second are allowed besides, whatever the number of calls")
    func floor() {
        let budget = budget { $0.floor = 10 }
        #expect(withdrawals(budget, at: .zero) == 100)
        #expect(withdrawals(budget, at: .seconds(5)) == 0)
        #expect(withdrawals(budget, at: .seconds(10)) == 100)
    }

    @Test("calls and retries count for ten seconds")
    func ttl() {
        let budget = budget()
        for _ in 0..<1_000 { budget.deposit(now: .at(.zero)) }
        #expect(withdrawals(budget, at: .seconds(5), upTo: 50) == 50)
        #expect(withdrawals(budget, at: .seconds(9)) == 150)
        #expect(withdrawals(budget, at: .seconds(11)) == 0, "the calls are forgotten")
        for _ in 0..<1_000 { budget.deposit(now: .at(.seconds(15) + .milliseconds(500))) }
        #expect(withdrawals(budget, at: .seconds(16)) == 50, "the retries of second 9 are not")
        #expect(withdrawals(budget, at: .seconds(20)) == 150)
    }

    @Test("over a long time retries stay below the ratio of the calls, whenever they come")
    func longRun() {
        let budget = budget()
        var generator = SplitMix64(seed: 5)
        var (calls, retries, millisecond) = (0, 0, 0)
        while millisecond < 100_000 {
            millisecond += Int.random(in: 0...20, using: &generator)
            budget.deposit(now: .at(.milliseconds(millisecond)))
            calls += 1
            for _ in 0..<3 where budget.withdraw(now: .at(.milliseconds(millisecond))) { retries += 1 }
        }
        // What is allowed is counted over ten seconds, what is asked for over eleven.
        #expect((0.17...0.22).contains(Double(retries) / Double(calls)), "\(retries) of \(calls)")
    }

    @Test("a process may run for months")
    func months() {
        let budget = budget { $0.ttl = .milliseconds(10) }
        let wrap = Duration.milliseconds(1 << 31)
        for offset in [-40, -20, 0, 20, 40] {
            let time = wrap + .milliseconds(offset)
            for _ in 0..<100 { budget.deposit(now: .at(time)) }
            #expect(withdrawals(budget, at: time + .milliseconds(1)) == 20, "\(offset) ms")
        }
    }

    @Test("every call is counted when all threads count at once")
    func threads() async {
        let budget = budget { $0.ratio = 1 }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<2_000 { budget.deposit(now: .at(.seconds(1))) } }
            }
        }
        #expect((7_996...8_003).contains(withdrawals(budget, at: .seconds(1))))
    }

    @Test("clients of one destination share its budget, which goes with the last of them")
    func shared() {
        let budgets = RetryBudgets(RetryBudgetConfiguration())
        var first: RetryBudget? = budgets.budget(of: "a")
        #expect(first === budgets.budget(of: "a"))
        #expect(first !== budgets.budget(of: "b"))
        weak let former = first
        first = nil
        #expect(former == nil)
        let unlimited = RetryBudgets(nil).budget(of: "a")
        for _ in 0..<10_000 { #expect(unlimited.withdraw(now: .at(.seconds(1)))) }
    }

    @Test("a configuration that cannot be met is refused with all that is wrong")
    func problems() {
        var configuration = RetryBudgetConfiguration()
        #expect(configuration.problems.isEmpty)
        configuration.ratio = .nan
        configuration.floor = -1
        configuration.ttl = .zero
        #expect(configuration.problems.count == 3)
    }
}
