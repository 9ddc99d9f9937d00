import CTensorKernels

extension UpdateRule {
    /// One step of `count` elements, which are one row where the rule's scope is the row.
    ///
    /// The pointers are of `count` floats each; those of slots that the rule does not keep are `nil`, and that of a slot
    /// which rows keep is of one float.
    /// - Parameters:
    ///   - powers: the rule's decays to the power of the step that is taken, 1 for the first.
    package func step(
        _ count: Int, _ parameters: UnsafeMutablePointer<Float>, _ first: UnsafeMutablePointer<Float>?,
        _ second: UnsafeMutablePointer<Float>?, gradient: UnsafePointer<Float>, powers: (Double, Double),
        learningRate: Float
    ) {
        let kernels = unsafe mw_active_kernels().pointee.optimizer
        let numbers = hyperparameters
        // Safe: the kernels read and write `count` floats of each, which the caller promises, in slots that the kind has.
        switch kind {
        case .sgd:
            unsafe kernels.sgd_f32(count, parameters, gradient, learningRate)
        case .momentum, .nesterov:
            var step = mw_momentum_step(
                learning_rate: learningRate, momentum: numbers[1], weight_decay: numbers[2],
                nesterov: kind == .nesterov)
            unsafe kernels.momentum_f32(count, parameters, first!, gradient, &step)
        case .adagrad:
            var step = mw_adagrad_step(learning_rate: learningRate, epsilon: numbers[2])
            unsafe kernels.adagrad_f32(count, parameters, first!, gradient, &step)
        case .rowwiseAdagrad:
            var step = mw_adagrad_step(learning_rate: learningRate, epsilon: numbers[2])
            unsafe kernels.rowwise_adagrad_f32(count, parameters, first!, gradient, &step)
        case .rmsprop:
            var step = mw_rmsprop_step(
                learning_rate: learningRate, decay: numbers[1], momentum: numbers[2], epsilon: numbers[3])
            unsafe kernels.rmsprop_f32(count, parameters, first!, second, gradient, &step)
        case .adam, .adamW:
            var step = mw_adam_step(
                learning_rate: learningRate, beta1: numbers[1], beta2: numbers[2], epsilon: numbers[3],
                weight_decay: kind == .adamW ? numbers[4] : 0, beta1_power: powers.0, beta2_power: powers.1)
            unsafe kernels.adam_f32(count, parameters, first!, second!, gradient, &step)
        case .ftrl:
            var step = mw_ftrl_step(learning_rate: learningRate, beta: numbers[1], l1: numbers[2], l2: numbers[3])
            unsafe kernels.ftrl_f32(count, parameters, first!, second!, gradient, &step)
        default:
            preconditionFailure("a rule of kind \(kind) without a kernel")
        }
    }

    /// The rule's decays to the power of `step`, by repeated squaring: the same bits on every machine.
    package func powers(ofStep step: Int) -> (Double, Double) {
        func power(_ base: Double) -> Double {
            var (result, square, rest) = (1.0, base, step)
            while rest > 0 {
                if rest & 1 == 1 { result *= square }
                square *= square
                rest >>= 1
            }
            return result
        }
        guard let first = decays.first, let last = decays.last else { return (1, 1) }
        return (power(Double(first)), power(Double(last)))
    }
}
