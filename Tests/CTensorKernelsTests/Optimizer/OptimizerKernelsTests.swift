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
            learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, beta1_power: 1, beta2_power: 1)
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
            learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, beta1_power: 0.9, beta2_power: 0.999)
        state.apply([0, 0, 0], step, on: path)
        #expect(state.parameters == [1, -2, 0.5])
    }
}
