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
    ///   - state: From ``makeState(_:)`` of this rule, or of the same rule with another learning rate.
    ///   - learningRate: The rate of this step, as a schedule gives it; default that of the rule.
    /// - Throws: `TensorError.Code.dtypeMismatch`; `TensorError.Code.shapeMismatch` when the three
    ///   do not fit each other; `TensorError.Code.valuesUnknown` for abstract tensors.
    public func apply(
        to parameters: inout AnyTensor, gradient: AnyTensor, state: inout OptimizerState, learningRate: Float? = nil
    ) throws(TensorError) {
        try check(parameters, gradient, state)
        let powers = zip(state.powers, decays).map { $0 * Double($1) }
        let rate = learningRate ?? self.learningRate
        let pair = powers.count == 2 ? (powers[0], powers[1]) : (1, 1)
        let rows = scope == .row ? parameters.shape.first ?? 1 : 1
        let width = rows == 0 ? 0 : parameters.elementCount / rows
        unsafe withFloats(&parameters, &state.slots, gradient) { parameters, first, second, gradient in
            for row in 0..<rows {
                // Safe: `rows` rows of `width` elements each are all of the parameters, and a slot has as many elements
                // or one for each row, by `check`.
                unsafe step(
                    width, parameters + row * width, first.map { unsafe $0 + row }, second,
                    gradient: gradient + row * width, powers: pair, learningRate: rate)
            }
        }
        state.powers = powers
        state.stepCount += 1
    }

    /// Takes one step of the rows that a gradient names, and of no other: the moments of the others do not decay. A bias
    /// correction is that of the row's own steps (where `SparseAdam` of PyTorch takes those of the table, and so makes
    /// the first steps of rare rows large). Values of one row are summed first.
    ///
    /// - Parameters:
    ///   - parameters: The table, float32, of the gradient's shape.
    ///   - gradient: float32.
    ///   - state: From ``makeRowState(_:)`` of this rule, or of the same rule with another learning rate.
    ///   - learningRate: The rate of this step, as a schedule gives it; default that of the rule.
    /// - Throws: as ``apply(to:gradient:state:learningRate:)``.
    public func apply(
        to parameters: inout AnyTensor, rows gradient: RowSparse, state: inout RowOptimizerState,
        learningRate: Float? = nil
    ) throws(TensorError) {
        let gradient = try gradient.coalesced()
        try check(parameters, gradient, state)
        let rows = try gradient.indices.scalars(as: Int64.self).map(Int.init)
        guard let rowCount = parameters.shape.first, rowCount > 0 else { return }
        let width = parameters.elementCount / rowCount
        let slotWidth = scope == .row ? 1 : width
        let rate = learningRate ?? self.learningRate
        unsafe withFloats(&parameters, &state.slots, gradient.values) { parameters, first, second, gradient in
            for (place, row) in rows.enumerated() {
                // Safe: the table has a row of this number and the gradient one at this place, by `RowSparse`, and the
                // slots as many rows as the table, by `check`.
                unsafe step(
                    width, parameters + row * width, first.map { unsafe $0 + row * slotWidth },
                    second.map { unsafe $0 + row * slotWidth }, gradient: gradient + place * width,
                    powers: powers(ofStep: state.stepCounts[row] + 1), learningRate: rate)
            }
        }
        for row in rows { state.stepCounts[row] += 1 }
    }

    /// The elements of parameters and slots, to be written where nothing else refers to them, and of a gradient.
    private func withFloats(
        _ parameters: inout AnyTensor, _ slots: inout [AnyTensor], _ gradient: AnyTensor,
        _ body: (
            UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?,
            UnsafePointer<Float>
        ) -> Void
    ) {
        // Taken out of the state, so that they are written in place.
        var taken: [AnyTensor] = []
        for index in slots.indices { taken.append(slots[index].take()) }
        gradient.withBytes { gradient in
            parameters.withMutableBytes { parameters in
                switch taken.count {
                case 0:
                    unsafe body(parameters.floats, nil, nil, gradient.floats)
                case 1:
                    taken[0].withMutableBytes { first in
                        unsafe body(parameters.floats, first.floats, nil, gradient.floats)
                    }
                default:
                    var second = taken.removeLast()
                    taken[0].withMutableBytes { first in
                        second.withMutableBytes { second in
                            unsafe body(parameters.floats, first.floats, second.floats, gradient.floats)
                        }
                    }
                    taken.append(second)
                }
            }
        }
        slots = taken
    }

    private func check(
        _ parameters: AnyTensor, _ gradient: AnyTensor, _ state: OptimizerState
    ) throws(TensorError) {
        try check(parameters, gradient)
        guard parameters.shape == gradient.shape else {
            throw TensorError(
                .shapeMismatch, "\(kind): a gradient of shape \(gradient.shape) for parameters \(parameters.shape)")
        }
        guard state.powers.count == decays.count else {
            throw TensorError(
                .shapeMismatch, "\(kind): keeps \(decays.count) powers, the state has \(state.powers.count)")
        }
        try check(
            state.slots,
            elementCount: try slotShape(parameters.shape, wholes: [parameters.elementCount]).elementCount)
    }

    private func check(
        _ parameters: AnyTensor, _ gradient: RowSparse, _ state: RowOptimizerState
    ) throws(TensorError) {
        try check(parameters, gradient.values)
        guard parameters.shape == gradient.shape else {
            throw TensorError(
                .shapeMismatch, "\(kind): rows of \(gradient.shape) for parameters \(parameters.shape)")
        }
        guard state.stepCounts.count == gradient.rowCount else {
            throw TensorError(
                .shapeMismatch,
                "\(kind): a state of \(state.stepCounts.count) rows for parameters \(parameters.shape)")
        }
        try check(
            state.slots, elementCount: try slotShape(parameters.shape, wholes: parameters.shape).elementCount)
    }

    private func check(_ parameters: AnyTensor, _ gradient: AnyTensor) throws(TensorError) {
        for (name, tensor) in [("parameters", parameters), ("gradient", gradient)] {
            guard tensor.dtype == .float32 else {
                throw TensorError(.dtypeMismatch, "\(kind): the \(name) are \(tensor.dtype), not float32")
            }
            guard !tensor.isAbstract else {
                throw TensorError(.valuesUnknown, "\(kind): the \(name) have a shape but no values")
            }
        }
    }

    private func check(_ found: [AnyTensor], elementCount: Int) throws(TensorError) {
        guard found.count == slots.count else {
            throw TensorError(
                .shapeMismatch, "\(kind): keeps \(slots.count) tensors, the state has \(found.count)")
        }
        for (slot, tensor) in zip(slots, found) {
            guard tensor.dtype == .float32, tensor.elementCount == elementCount, !tensor.isAbstract else {
                throw TensorError(
                    .shapeMismatch,
                    "\(kind): \(slot.name) is \(tensor.dtype)\(tensor.shape), not \(elementCount) float32")
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
