import CTensorKernels

extension Primitive {
    /// `⌊left / right⌋`: piecewise constant.
    package static let floorDivide: Primitive = Primitive(
        id: 1001, name: "floorDivide",
        .binary(
            rule: arithmeticRule("floorDivide", .numbers),
            kernel: elementwise(
                MW_BINARY_FLOOR_DIVIDE, refusing: MW_INTEGER_IS_ZERO, "floorDivide: an integer is divided by 0")),
        derivative: .notDifferentiable)

    /// `left - right ⌊left / right⌋`, with `right`'s sign.
    package static let floorRemainder: Primitive = Primitive(
        id: 1002, name: "floorRemainder",
        .binary(
            rule: arithmeticRule("floorRemainder", .numbers),
            kernel: elementwise(
                MW_BINARY_REMAINDER, refusing: MW_INTEGER_IS_ZERO, "floorRemainder: an integer is divided by 0")),
        derivative: remainderDerivative)

    /// `left` less the multiple of `right` toward zero, with `left`'s sign.
    package static let truncatingRemainder: Primitive = Primitive(
        id: 1003, name: "truncatingRemainder",
        .binary(
            rule: arithmeticRule("truncatingRemainder", .numbers),
            kernel: elementwise(
                MW_BINARY_FMOD, refusing: MW_INTEGER_IS_ZERO, "truncatingRemainder: an integer is divided by 0")),
        derivative: remainderDerivative)

    /// With `y = a - n b` and an integer `n` that is constant almost everywhere: `∂y/∂a = 1` and
    /// `∂y/∂b = -n = (y - a) / b`.
    private static let remainderDerivative: Derivative = .reverse([
        OperandDerivative { cotangent, step throws(TensorError) in try cotangent.summed(toOperandOf: step) },
        OperandDerivative(saving: [.first, .second, .result]) { cotangent, step throws(TensorError) in
            // A constant of the tape: its own slope is 0, though the quotient's, taken term by term, would not be.
            let a = step.operands[0].withoutTrace()
            let multiple = try (step.result.withoutTrace() - a) / step.operands[1].withoutTrace()
            return try (cotangent * multiple).summed(toOperandOf: step)
        },
    ])
}

extension AnyTensor {
    /// The largest whole number that is at most the quotient of each pair, as Python's `//`. Shapes broadcast. Division
    /// of a float by 0 gives an infinity or NaN.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where an integer is divided by 0,
    ///   ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func floorDivided(by divisor: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.floorDivide.apply(&self, &divisor)
    }

    /// What ``floorDivided(by:)`` leaves: 0, or a number with the divisor's sign, as Python's `%`.
    ///
    /// - Throws: as ``floorDivided(by:)``.
    public consuming func floorRemainder(dividingBy divisor: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.floorRemainder.apply(&self, &divisor)
    }

    /// What a division toward zero leaves: 0, or a number with this operand's sign, as C's `fmod` and Swift's `%`.
    ///
    /// - Throws: as ``floorDivided(by:)``.
    public consuming func truncatingRemainder(
        dividingBy divisor: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try Primitive.truncatingRemainder.apply(&self, &divisor)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The largest whole number that is at most the quotient of each pair, as Python's `//`. Traps where an integer is
    /// divided by 0.
    public consuming func floorDivided(by divisor: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.floorDivide.apply(&self.core, &divisor.core) }
    }

    /// What ``floorDivided(by:)`` leaves: 0, or a number with the divisor's sign, as Python's `%`. Traps where an
    /// integer is divided by 0.
    public consuming func floorRemainder(dividingBy divisor: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.floorRemainder.apply(&self.core, &divisor.core) }
    }

    /// What a division toward zero leaves: 0, or a number with this operand's sign, as C's `fmod` and Swift's `%`. Traps
    /// where an integer is divided by 0.
    public consuming func truncatingRemainder(dividingBy divisor: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.truncatingRemainder.apply(&self.core, &divisor.core) }
    }
}
