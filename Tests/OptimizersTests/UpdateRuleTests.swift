import Optimizers
import Testing

@Suite struct UpdateRuleTests {
    @Test("a rule survives the wire as its number and its hyper-parameters")
    func wireIdentity() throws {
        for rule in [
            UpdateRule.sgd(learningRate: 0.1),
            .adam(learningRate: 3e-4, beta1: 0.8, beta2: 0.99, epsilon: 1e-6),
            .sgd(learningRate: 0.1, momentum: 0.9), .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true),
            .adagrad(), .rowwiseAdagrad(), .rmsprop(momentum: 0.5), .adamW(), .ftrl(),
        ] {
            let kind = UpdateRule.Kind(rawValue: rule.kind.rawValue)
            #expect(try UpdateRule(kind: kind, hyperparameters: rule.hyperparameters) == rule)
        }
    }

    @Test("numbers and order on the wire stay as they are")
    func permanentNumbers() {
        #expect(UpdateRule.Kind.sgd.rawValue == 1)
        #expect(UpdateRule.Kind.adam.rawValue == 2)
        let others: [(UpdateRule, UInt32, [Float], [String])] = [
            (.sgd(learningRate: 1, momentum: 0.5, weightDecay: 2), 3, [1, 0.5, 2], ["velocity"]),
            (.sgd(learningRate: 1, momentum: 0.5, nesterov: true), 4, [1, 0.5, 0], ["velocity"]),
            (.adagrad(learningRate: 1, initialAccumulator: 2, epsilon: 3), 5, [1, 2, 3], ["accumulator"]),
            (.rmsprop(learningRate: 1, decay: 0.5, momentum: 0, epsilon: 3), 6, [1, 0.5, 0, 3], ["meanSquare"]),
            (
                .rmsprop(learningRate: 1, decay: 0.5, momentum: 0.25, epsilon: 3), 6, [1, 0.5, 0.25, 3],
                ["meanSquare", "velocity"]
            ),
            (
                .adamW(learningRate: 1, beta1: 0.5, beta2: 0.25, epsilon: 3, weightDecay: 4), 7, [1, 0.5, 0.25, 3, 4],
                ["firstMoment", "secondMoment"]
            ),
            (
                .ftrl(learningRate: 1, beta: 2, l1: 3, l2: 4, initialAccumulator: 5), 8, [1, 2, 3, 4, 5],
                ["accumulator", "linear"]
            ),
            (.rowwiseAdagrad(learningRate: 1, initialAccumulator: 2, epsilon: 3), 9, [1, 2, 3], ["accumulator"]),
        ]
        for (rule, number, hyperparameters, slots) in others {
            #expect(rule.kind.rawValue == number)
            #expect(rule.hyperparameters == hyperparameters)
            #expect(rule.slotNames == slots)
        }
        #expect(UpdateRule.adam().hyperparameters == [1e-3, 0.9, 0.999, 1e-8])
        #expect(UpdateRule.sgd(learningRate: 0.25).hyperparameters == [0.25])
        #expect(UpdateRule.adam().slotNames == ["firstMoment", "secondMoment"])
        #expect(UpdateRule.sgd(learningRate: 0.25).slotNames == [])
    }

    @Test("an unknown rule is refused by its number")
    func unknownRule() {
        let error = #expect(throws: OptimizerError.self) {
            try UpdateRule(kind: .init(rawValue: 77), hyperparameters: [1])
        }
        #expect(error?.code == .ruleUnknown)
        #expect(error?.description.contains("77") == true)
    }

    @Test(
        "hyper-parameters that are missing, surplus or out of range are refused",
        arguments: [
            (UpdateRule.Kind.sgd, []), (.sgd, [0.1, 0.2]), (.sgd, [-0.1]), (.sgd, [.nan]), (.sgd, [.infinity]),
            (.adam, [1e-3, 0.9, 0.999]), (.adam, [1e-3, 1, 0.999, 1e-8]), (.adam, [1e-3, 0.9, -0.1, 1e-8]),
            (.momentum, [0.1, 1, 0]), (.nesterov, [0.1, 0.9, -1]), (.adagrad, [0.1, -1, 1e-8]),
            (.rmsprop, [0.1, 1, 0, 1]),
            (.ftrl, [0, 1, 0, 0, 0]), (.adamW, [1e-3, 0.9, 0.999, 1e-8]), (.rowwiseAdagrad, [0.1, 0, 0]),
            (.adam, [1e-3, 0.9, 0.999, 0]), (.adam, [1e-3, .nan, 0.999, 1e-8]), (.adam, [1e-3, 0.9, 0.999, .infinity]),
        ] as [(UpdateRule.Kind, [Float])])
    func invalidHyperparameters(kind: UpdateRule.Kind, hyperparameters: [Float]) {
        let error = #expect(throws: OptimizerError.self) {
            try UpdateRule(kind: kind, hyperparameters: hyperparameters)
        }
        #expect(error?.code == .hyperparameterInvalid)
    }

    @Test("a rule says its learning rate", arguments: [UpdateRule.sgd(learningRate: 0.5), .adam(learningRate: 0.5)])
    func learningRate(rule: UpdateRule) { #expect(rule.learningRate == 0.5) }
}
