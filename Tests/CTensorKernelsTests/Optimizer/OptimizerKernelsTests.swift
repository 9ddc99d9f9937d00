import CTensorKernels
import Testing

@Suite struct SGDKernelTests {
    @Test(
        "a step is one fused multiply-add, with the same bits on every path", arguments: KernelPath.all,
        [0, 1, 17, 1003])
    func step(path: KernelPath, count: Int) {
        var values = SeededValues(seed: 71)
        let parameters = values.floats(count)
        let gradient = values.anyFloats(count)
        var updated = parameters
        // Both arrays have `count` elements.
        unsafe path.kernels.optimizer.sgd_f32(count, &updated, gradient, 0.1)
        let expected = zip(parameters, gradient).map { $0.addingProduct(-0.1, $1) }
        #expect(comparableBits(updated) == comparableBits(expected), "seed 71")
    }
}

@Suite struct AdamKernelTests {
    struct State: Equatable {
        var parameters: [Float]
        var firstMoment: [Float]
        var secondMoment: [Float]

        mutating func apply(_ gradient: [Float], _ step: mw_adam_step, on path: KernelPath) {
            var step = step
            // The four arrays have the same number of elements.
            unsafe path.kernels.optimizer.adam_f32(
                gradient.count, &parameters, &firstMoment, &secondMoment, gradient, &step)
        }
    }

    /// The formula in Double, for one element.
    static func reference(_ gradients: [Float], parameter: Float) -> Double {
        var (m, v, p) = (0.0, 0.0, Double(parameter))
        for (i, gradient) in gradients.enumerated() {
            let g = Double(gradient)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            let t = Double(i + 1)
            p -= 1e-3 * (m / (1 - power(0.9, t))) / ((v / (1 - power(0.999, t))).squareRoot() + 1e-8)
        }
        return p
    }

    static func power(_ base: Double, _ exponent: Double) -> Double {
        (0..<Int(exponent)).reduce(1.0) { product, _ in product * base }
    }

    @Test("twenty steps have the same bits on every path, and follow the formula", arguments: KernelPath.all)
    func steps(path: KernelPath) {
        let count = 1031
        var values = SeededValues(seed: 72)
        let start = State(
            parameters: values.floats(count), firstMoment: .init(repeating: 0, count: count),
            secondMoment: .init(repeating: 0, count: count))
        var state = start
        var scalar = start
        var gradients = [[Float]]()
        var step = mw_adam_step(
            learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0, beta1_power: 1,
            beta2_power: 1)
        for _ in 0..<20 {
            gradients.append(values.floats(count))
            step.beta1_power *= Double(step.beta1)
            step.beta2_power *= Double(step.beta2)
            state.apply(gradients.last!, step, on: path)
            scalar.apply(gradients.last!, step, on: .scalar)
        }
        #expect(state == scalar, "seed 72")
        for i in stride(from: 0, to: count, by: 97) {
            let expected = Self.reference(gradients.map { $0[i] }, parameter: start.parameters[i])
            #expect(abs(Double(state.parameters[i]) - expected) < 2e-6, "element \(i), seed 72")
        }
    }

    @Test("a parameter without gradient stays where it is", arguments: KernelPath.all)
    func zeroGradient(path: KernelPath) {
        var state = State(parameters: [1, -2, 0.5], firstMoment: [0, 0, 0], secondMoment: [0, 0, 0])
        let step = mw_adam_step(
            learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0, beta1_power: 0.9,
            beta2_power: 0.999)
        state.apply([0, 0, 0], step, on: path)
        #expect(state.parameters == [1, -2, 0.5])
    }
}

@Suite struct OtherOptimizerKernelsTests {
    /// Parameters and two slots.
    struct Arrays: Equatable {
        var parameters: [Float]
        var first: [Float]
        var second: [Float]
    }

    typealias Step = @Sendable (KernelPath, inout Arrays, [Float]) -> Void

    static let steps: [(String, Step)] = [
        (
            "momentum",
            { path, arrays, gradient in
                var step = mw_momentum_step(learning_rate: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: false)
                // Here and below: all arrays have as many elements as the gradient.
                unsafe path.kernels.optimizer.momentum_f32(
                    gradient.count, &arrays.parameters, &arrays.first, gradient, &step)
            }
        ),
        (
            "nesterov",
            { path, arrays, gradient in
                var step = mw_momentum_step(learning_rate: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true)
                unsafe path.kernels.optimizer.momentum_f32(
                    gradient.count, &arrays.parameters, &arrays.first, gradient, &step)
            }
        ),
        (
            "adagrad",
            { path, arrays, gradient in
                var step = mw_adagrad_step(learning_rate: 0.1, epsilon: 1e-10)
                unsafe path.kernels.optimizer.adagrad_f32(
                    gradient.count, &arrays.parameters, &arrays.first, gradient, &step)
            }
        ),
        (
            "rowwise adagrad",
            { path, arrays, gradient in
                var step = mw_adagrad_step(learning_rate: 0.1, epsilon: 1e-10)
                unsafe path.kernels.optimizer.rowwise_adagrad_f32(
                    gradient.count, &arrays.parameters, &arrays.first, gradient, &step)
            }
        ),
        (
            "rmsprop",
            { path, arrays, gradient in
                var step = mw_rmsprop_step(learning_rate: 0.1, decay: 0.9, momentum: 0.5, epsilon: 1e-7)
                unsafe path.kernels.optimizer.rmsprop_f32(
                    gradient.count, &arrays.parameters, &arrays.first, &arrays.second, gradient, &step)
            }
        ),
        (
            "rmsprop without momentum",
            { path, arrays, gradient in
                var step = mw_rmsprop_step(learning_rate: 0.1, decay: 0.9, momentum: 0, epsilon: 1e-7)
                unsafe path.kernels.optimizer.rmsprop_f32(
                    gradient.count, &arrays.parameters, &arrays.first, nil, gradient, &step)
            }
        ),
        (
            "ftrl",
            { path, arrays, gradient in
                var step = mw_ftrl_step(learning_rate: 0.1, beta: 1, l1: 0.5, l2: 0.1)
                unsafe path.kernels.optimizer.ftrl_f32(
                    gradient.count, &arrays.parameters, &arrays.first, &arrays.second, gradient, &step)
            }
        ),
    ]

    @Test("twenty steps of every rule have the same bits on every path", arguments: KernelPath.all, [1, 17, 1003])
    func sameBits(path: KernelPath, count: Int) {
        for (name, step) in Self.steps {
            var values = SeededValues(seed: 73)
            var arrays = Arrays(
                parameters: values.floats(count), first: .init(repeating: 0, count: count),
                second: .init(repeating: 0, count: count))
            var scalar = arrays
            let start = arrays
            for _ in 0..<20 {
                let gradient = values.floats(count)
                step(path, &arrays, gradient)
                step(.scalar, &scalar, gradient)
            }
            #expect(arrays == scalar, "\(name), seed 73")
            #expect(arrays.parameters != start.parameters && arrays.parameters.allSatisfy(\.isFinite), "\(name)")
        }
    }
}
