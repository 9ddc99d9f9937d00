import CTensorKernels
import Optimizers
import Tensor
import Testing

@Suite struct UpdateRuleApplyTests {
    static let parameters: [Float] = [2.040919, -2.555665, 0.41809884, -0.5677696, -0.4526493, -0.21559717]
    static let gradients: [[Float]] = [
        [-2.0199862, -0.23193237, -0.8652131, 3.3229995, 0.22578661, -0.3526308],
        [-0.28128743, -0.66804636, -1.0551505, -0.39080098, 0.4819454, -0.23855361],
        [0.9577587, -0.19980213, 0.024259565, 1.5458208, 0.5451055, -0.50522876],
        [-0.18283898, 0.54052514, 1.935088, -0.26962033, -0.24355868, 1.0023136],
        [-0.88645995, -0.29172024, 0.882539, 0.58035004, 0.0915167, 0.6701044],
    ]

    /// The parameters after a step for each gradient.
    static func run(_ rule: UpdateRule, shape: Shape = [6], gradients: [[Float]] = gradients) throws -> [Float] {
        var parameters = try AnyTensor(parameters, shape: shape)
        var state = try rule.makeState(shape)
        for gradient in gradients {
            try rule.apply(to: &parameters, gradient: AnyTensor(gradient, shape: shape), state: &state)
        }
        #expect(state.stepCount == gradients.count)
        return try parameters.scalars()
    }

    @Test(
        "five steps of Adam give what NumPy computes in float64",
        arguments: [
            (
                UpdateRule.adam(),
                [2.043618878, -2.552313769, 0.420462751, -0.571039418, -0.456716688, -0.213000477]
            ),
            (
                .adam(learningRate: 0.05, beta1: 0.5, beta2: 0.9, epsilon: 1e-3),
                [2.137752094, -2.418780781, 0.474292561, -0.695593543, -0.632566057, -0.134259417]
            ),
        ] as [(UpdateRule, [Double])])
    func adam(rule: UpdateRule, expected: [Double]) throws {
        for (found, expected) in zip(try Self.run(rule), expected) {
            #expect(abs(Double(found) - expected) < 1e-6)
        }
    }

    @Test(
        "five steps of each rule give what PyTorch, or the paper's formula, computes in float64",
        arguments: [
            (
                UpdateRule.sgd(learningRate: 0.1, momentum: 0.9),
                [2.828691089, -2.250326607, 0.672783551, -2.219899246, -0.821451309, -0.109685775]
            ),
            (
                .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01),
                [2.798554301, -2.217836511, 0.665067047, -2.206545105, -0.814510630, -0.107770617]
            ),
            (
                .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01),
                [2.950440592, -2.155090183, 0.543775477, -2.512009064, -0.884837856, -0.176111295]
            ),
            (
                .adagrad(), [2.052507043, -2.536378560, 0.423989355, -0.581617471, -0.476951598, -0.205570299]
            ),
            (
                .adagrad(learningRate: 0.1, initialAccumulator: 0.1),
                [2.155462110, -2.412370569, 0.469966075, -0.705668284, -0.636954348, -0.155429538]
            ),
            (
                .rmsprop(learningRate: 0.01),
                [2.078974653, -2.494241279, 0.435270657, -0.613185010, -0.530171558, -0.183980042]
            ),
            (
                .rmsprop(learningRate: 0.01, decay: 0.99, momentum: 0.5, epsilon: 1e-8),
                [2.235036612, -2.195548626, 0.595727130, -0.818214996, -0.907419211, 0.043282661]
            ),
            (
                .adamW(learningRate: 0.05, weightDecay: 0.1),
                [2.123632362, -2.327012532, 0.523856087, -0.715320680, -0.642476027, -0.082617514]
            ),
            (
                .ftrl(), [1.443281535, -0.425037886, 0.201449511, -0.543797531, -0.15572806, -0.056748138]
            ),
            (
                .ftrl(learningRate: 0.5, l1: 0.7, l2: 0.1, initialAccumulator: 0.1),
                [1.408419766, 0, 0, -0.84039013, -0.127444385, 0]
            ),
        ] as [(UpdateRule, [Double])])
    func otherRules(rule: UpdateRule, expected: [Double]) throws {
        for (found, expected) in zip(try Self.run(rule), expected) {
            #expect(abs(Double(found) - expected) < 1e-6 * max(1, abs(expected)))
        }
    }

    @Test("a row of rowwise Adagrad has one accumulator, of the mean of its squares")
    func rowwiseAdagrad() throws {
        let rule = UpdateRule.rowwiseAdagrad(learningRate: 0.1, initialAccumulator: 0.1)
        let expected = [2.204769817, -2.494754187, 0.413421677, -0.799988852, -0.506098579, -0.23462294]
        for (found, expected) in zip(try Self.run(rule, shape: [2, 3]), expected) {
            #expect(abs(Double(found) - expected) < 1e-6)
        }
        #expect(try rule.makeState([2, 3]).slots[0].scalars() == [0.1, 0.1] as [Float])
        #expect(rule.scope == .row)
    }

    @Test("a rate that a schedule gives is that of a rule with this rate")
    func givenRate() throws {
        for (rule, other) in [
            (UpdateRule.sgd(learningRate: 1), UpdateRule.sgd(learningRate: 0.25)),
            (.adamW(learningRate: 1), .adamW(learningRate: 0.25)), (.ftrl(learningRate: 1), .ftrl(learningRate: 0.25)),
        ] {
            var parameters = try AnyTensor(Self.parameters, shape: [6])
            var state = try rule.makeState([6])
            for gradient in Self.gradients {
                try rule.apply(
                    to: &parameters, gradient: AnyTensor(gradient, shape: [6]), state: &state, learningRate: 0.25)
            }
            #expect(try parameters.scalars() == (try Self.run(other)))
        }
    }

    @Test("steps of SGD are fused multiply-adds")
    func sgd() throws {
        var expected = Self.parameters
        for gradient in Self.gradients {
            expected = zip(expected, gradient).map { $0.addingProduct(-0.1, $1) }
        }
        #expect(try Self.run(.sgd(learningRate: 0.1)) == expected)
    }

    @Test("a step has the bits of the scalar path, whichever path is in use")
    func bitsAreThoseOfTheScalarPath() throws {
        let count = 1031
        let key = RandomKey(seed: 5)
        let gradient = try key.foldIn("gradient").uniform([count])
        var parameters = try key.foldIn("parameters").uniform([count])
        var expected = try parameters.scalars(as: Float.self)
        let rule = UpdateRule.adam()
        var state = try rule.makeState([count])
        var first = [Float](repeating: 0, count: count)
        var second = first
        var step = mw_adam_step(
            learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0, beta1_power: 1,
            beta2_power: 1)
        let gradients = try gradient.scalars(as: Float.self)
        for _ in 0..<20 {
            try rule.apply(to: &parameters, gradient: gradient, state: &state)
            step.beta1_power *= Double(step.beta1)
            step.beta2_power *= Double(step.beta2)
            // The arrays all have `count` elements.
            unsafe mw_kernels_for(MW_ISA_SCALAR)!.pointee.optimizer.adam_f32(
                count, &expected, &first, &second, gradients, &step)
        }
        #expect(try parameters.scalars() == expected)
        #expect(try state.slots[0].scalars() == first)
        #expect(try state.slots[1].scalars() == second)
    }

    @Test("parts of a parameter, updated apart, have the bits of the whole", arguments: [1, 2, 4])
    func parts(cut: Int) throws {
        let rule = UpdateRule.adam()
        var parts: [Float] = []
        for range in [0..<cut, cut..<6] {
            var part = try AnyTensor(Array(Self.parameters[range]), shape: [range.count])
            var state = try rule.makeState([range.count])
            for gradient in Self.gradients {
                let gradient = try AnyTensor(gradient, shape: [6]).slice(elements: range)
                try rule.apply(to: &part, gradient: gradient, state: &state)
            }
            parts += try part.scalars(as: Float.self)
        }
        #expect(parts == (try Self.run(rule)))
    }

    @Test("a restored state goes on with the same bits")
    func restoredState() throws {
        let rule = UpdateRule.adam()
        var parameters = try AnyTensor(Self.parameters, shape: [2, 3])
        var state = try rule.makeState([6])
        for gradient in Self.gradients {
            // What a checkpoint writes and reads.
            state = OptimizerState(
                slots: try state.slots.map { try AnyTensor($0.scalars(as: Float.self), shape: [6]) },
                powers: state.powers, stepCount: state.stepCount)
            try rule.apply(to: &parameters, gradient: AnyTensor(gradient, shape: [2, 3]), state: &state)
        }
        #expect(try parameters.scalars() == (try Self.run(rule)))
    }

    @Test("copies of the parameters and of the state keep their values")
    func valueSemantics() throws {
        let rule = UpdateRule.adam()
        var parameters = try AnyTensor(Self.parameters, shape: [6])
        var state = try rule.makeState([6])
        let (before, stateBefore) = (parameters, state)
        try rule.apply(to: &parameters, gradient: AnyTensor(Self.gradients[0], shape: [6]), state: &state)
        #expect(try before.scalars() == Self.parameters)
        #expect(try stateBefore.slots[0].scalars() == [Float](repeating: 0, count: 6))
        #expect(stateBefore.stepCount == 0 && stateBefore.powers == [1, 1])
    }

    @Test("parameters that nothing else refers to are updated where they lie")
    func inPlace() throws {
        let rule = UpdateRule.adam()
        var parameters = try AnyTensor(Self.parameters, shape: [6])
        var state = try rule.makeState([6])
        let gradient = try AnyTensor(Self.gradients[0], shape: [6])
        let addresses = [parameters, state.slots[0], state.slots[1]].map {
            $0.withBytes { Int(bitPattern: $0.baseAddress) }
        }
        try rule.apply(to: &parameters, gradient: gradient, state: &state)
        #expect(
            [parameters, state.slots[0], state.slots[1]].map { $0.withBytes { Int(bitPattern: $0.baseAddress) } }
                == addresses)
    }

    @Test("what does not fit is refused, and changes nothing")
    func refusals() throws {
        let rule = UpdateRule.adam()
        let good = try AnyTensor(Self.parameters, shape: [6])
        let state = try rule.makeState([6])
        let wrong: [(AnyTensor, AnyTensor, OptimizerState, TensorError.Code)] = [
            (good, try AnyTensor([1, 2] as [Float], shape: [2]), state, .shapeMismatch),
            (good, try good.reshaped(to: [2, 3]), state, .shapeMismatch),
            (good, try AnyTensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [6]), state, .dtypeMismatch),
            (try AnyTensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [6]), good, state, .dtypeMismatch),
            (good, good, try rule.makeState([5]), .shapeMismatch),
            (good, good, try UpdateRule.sgd(learningRate: 1).makeState([6]), .shapeMismatch),
            (good, .abstract(shape: [6], dtype: .float32), state, .valuesUnknown),
        ]
        for (parameters, gradient, state, code) in wrong {
            var (parameters, state) = (parameters, state)
            let before = try parameters.cast(to: .float32).scalars(as: Float.self)
            let error = #expect(throws: TensorError.self) {
                try rule.apply(to: &parameters, gradient: gradient, state: &state)
            }
            #expect(error?.code == code)
            #expect(try parameters.cast(to: .float32).scalars() == before)
            #expect(state.stepCount == 0)
        }
    }

    @Test("no parameters at all are no mistake")
    func emptyParameters() throws {
        var parameters = try AnyTensor.zeros([0])
        for rule in [UpdateRule.adam(), .sgd(learningRate: 1)] {
            var state = try rule.makeState([0])
            try rule.apply(to: &parameters, gradient: .zeros([0]), state: &state)
            #expect(state.stepCount == 1)
        }
    }
}
