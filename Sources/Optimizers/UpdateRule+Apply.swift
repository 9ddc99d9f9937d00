import CTensorKernels
public import Tensor

extension UpdateRule {
    /// Takes one step: changes the parameters by the gradient and the state by the step, in place where nothing else
    /// refers to their storage.
    ///
    /// Nothing changes when it throws. Values are not looked at: a NaN in the gradient reaches the parameters, so
    /// whoever takes gradients from outside first asks `AnyTensor.firstNonFinite()`.
    ///
    /// - Parameters:
    ///   - parameters: What to change, float32.
    ///   - gradient: As many elements in the same shape, float32.
    ///   - state: From ``makeState(elementCount:)`` of this rule, or of the same rule with another learning rate.
    /// - Throws: `TensorError.Code.dtypeMismatch`; `TensorError.Code.shapeMismatch` when the three
    ///   do not fit each other; `TensorError.Code.valuesUnknown` for abstract tensors.
    public func apply(
        to parameters: inout AnyTensor, gradient: AnyTensor, state: inout OptimizerState
    ) throws(TensorError) {
        try check(parameters, gradient, state)
        let powers = zip(state.powers, decays).map { $0 * Double($1) }
        switch kind {
        case .adam: applyAdam(to: &parameters, gradient, &state, powers: powers)
        default: applySGD(to: &parameters, gradient)
        }
        state.powers = powers
        state.stepCount += 1
    }

    private func applySGD(to parameters: inout AnyTensor, _ gradient: AnyTensor) {
        let count = parameters.elementCount
        gradient.withBytes { gradient in
            parameters.withMutableBytes { parameters in
                // Safe: both are floats, `count` of them, by `check`.
                unsafe mw_active_kernels().pointee.optimizer.sgd_f32(
                    count, parameters.floats, gradient.floats, learningRate)
            }
        }
    }

    private func applyAdam(
        to parameters: inout AnyTensor, _ gradient: AnyTensor, _ state: inout OptimizerState, powers: [Double]
    ) {
        let count = parameters.elementCount
        var step = mw_adam_step(
            learning_rate: learningRate, beta1: hyperparameters[1], beta2: hyperparameters[2],
            epsilon: hyperparameters[3], beta1_power: powers[0], beta2_power: powers[1])
        // Taken out of the state, so that they are written in place.
        var first = state.slots[0].take()
        var second = state.slots[1].take()
        gradient.withBytes { gradient in
            parameters.withMutableBytes { parameters in
                first.withMutableBytes { first in
                    second.withMutableBytes { second in
                        // Safe: all four are floats, `count` of them, by `check`.
                        unsafe mw_active_kernels().pointee.optimizer.adam_f32(
                            count, parameters.floats, first.floats, second.floats, gradient.floats,
                            &step)
                    }
                }
            }
        }
        state.slots[0] = first
        state.slots[1] = second
    }

    private func check(
        _ parameters: AnyTensor, _ gradient: AnyTensor, _ state: OptimizerState
    ) throws(TensorError) {
        for (name, tensor) in [("parameters", parameters), ("gradient", gradient)] {
            guard tensor.dtype == .float32 else {
                throw TensorError(.dtypeMismatch, "\(kind): the \(name) are \(tensor.dtype), not float32")
            }
            guard !tensor.isAbstract else {
                throw TensorError(.valuesUnknown, "\(kind): the \(name) have a shape but no values")
            }
        }
        guard parameters.shape == gradient.shape else {
            throw TensorError(
                .shapeMismatch, "\(kind): a gradient of shape \(gradient.shape) for parameters \(parameters.shape)")
        }
        guard state.slots.count == slotNames.count, state.powers.count == decays.count else {
            throw TensorError(
                .shapeMismatch,
                "\(kind): keeps \(slotNames.count) tensors and \(decays.count) powers, the state has "
                    + "\(state.slots.count) and \(state.powers.count)")
        }
        for (name, slot) in zip(slotNames, state.slots) {
            guard slot.dtype == .float32, slot.elementCount == parameters.elementCount, !slot.isAbstract else {
                throw TensorError(
                    .shapeMismatch,
                    "\(kind): \(name) is \(slot.dtype)\(slot.shape) for \(parameters.elementCount) parameters")
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a float32 tensor as what they are. Storage exists for a tensor without elements too.
    fileprivate var floats: UnsafePointer<Float> {
        unsafe baseAddress!.assumingMemoryBound(to: Float.self)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// As for bytes that are only read.
    fileprivate var floats: UnsafeMutablePointer<Float> {
        unsafe baseAddress!.assumingMemoryBound(to: Float.self)
    }
}
