import Optimizers
import Testing

@Suite struct LearningRateScheduleTests {
    @Test(
        "factors at the steps where their formulas are easy",
        arguments: [
            (.constant, [(0, 1), (1_000_000, 1)]),
            (.exponential(rate: 0.25, steps: 10), [(0, 1), (5, 0.5), (10, 0.25), (20, 0.0625)]),
            (.cosine(steps: 100), [(0, 1), (50, 0.5), (100, 0), (1_000, 0)]),
            (.cosine(steps: 100, floor: 0.5), [(0, 1), (50, 0.75), (100, 0.5), (200, 0.5)]),
            (.linear(steps: 10, floor: 0.5), [(0, 1), (5, 0.75), (10, 0.5), (11, 0.5)]),
            (.polynomial(steps: 10, power: 2), [(0, 1), (5, 0.25), (10, 0)]),
            (.inverseSquareRoot(steps: 100), [(0, 1), (300, 0.5), (9_900, 0.1)]),
            (.piecewise([(10, 0.5), (20, 0.25)]), [(0, 1), (9, 1), (10, 0.5), (19, 0.5), (20, 0.25), (99, 0.25)]),
            (LearningRateSchedule.constant.warmingUp(steps: 4), [(0, 0.25), (2, 0.75), (3, 1), (4, 1)]),
            (.linear(steps: 10).warmingUp(steps: 5), [(0, 0.2), (4, 1), (5, 1), (10, 0.5), (15, 0), (99, 0)]),
        ] as [(LearningRateSchedule, [(Int, Double)])])
    func factors(schedule: LearningRateSchedule, expected: [(Int, Double)]) {
        for (step, factor) in expected {
            #expect(abs(schedule.factor(step: step) - factor) < 1e-12, "step \(step)")
        }
    }

    @Test("the rate is the rule's, times the factor; a constant schedule leaves its bits")
    func rate() {
        let rule = UpdateRule.adam(learningRate: 0.3)
        #expect(LearningRateSchedule.linear(steps: 10).learningRate(of: rule, step: 5) == 0.15)
        #expect(LearningRateSchedule.constant.learningRate(of: rule, step: 5) == 0.3)
    }

    @Test("numbers and order on the wire stay as they are")
    func permanentNumbers() throws {
        let cases: [(LearningRateSchedule, UInt32, [Double])] = [
            (.constant, 1, []), (.exponential(rate: 0.5, steps: 7), 2, [0.5, 7]),
            (.cosine(steps: 7, floor: 1), 3, [7, 1]),
            (.polynomial(steps: 7, floor: 1, power: 2), 4, [7, 1, 2]), (.inverseSquareRoot(steps: 7), 5, [7]),
            (.piecewise([(1, 0.5), (2, 0.25)]), 6, [1, 0.5, 2, 0.25]),
        ]
        for (schedule, number, numbers) in cases {
            #expect(schedule.kind.rawValue == number)
            #expect(schedule.numbers == numbers)
            let warm = schedule.warmingUp(steps: 3)
            let read = try LearningRateSchedule(
                kind: .init(rawValue: number), numbers: numbers, warmUpSteps: warm.warmUpSteps)
            #expect(read == warm)
        }
    }

    @Test(
        "what no schedule has is refused",
        arguments: [
            (1, [1], 0), (2, [0.5], 0), (2, [-0.5, 3], 0), (2, [0.5, 0], 0), (3, [.nan, 0], 0), (3, [5, -1], 0),
            (4, [5, 0, 0], 0), (5, [.infinity], 0), (6, [1], 0), (6, [2, 1, 1, 1], 0), (6, [1, -1], 0), (1, [], -1),
        ] as [(UInt32, [Double], Int)])
    func refusals(kind: UInt32, numbers: [Double], warmUpSteps: Int) {
        let error = #expect(throws: OptimizerError.self) {
            try LearningRateSchedule(kind: .init(rawValue: kind), numbers: numbers, warmUpSteps: warmUpSteps)
        }
        #expect(error?.code == .hyperparameterInvalid)
    }

    @Test("a kind of a later release is refused by its number")
    func unknownKind() {
        let error = #expect(throws: OptimizerError.self) {
            try LearningRateSchedule(kind: .init(rawValue: 99), numbers: [])
        }
        #expect(error?.code == .scheduleUnknown)
        #expect(error?.message.contains("99") == true)
    }
}
