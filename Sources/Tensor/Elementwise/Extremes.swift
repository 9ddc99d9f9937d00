import CTensorKernels

extension Primitive {
    /// The larger of each pair; NaN where one is. Where both are equal, each receives half of the cotangent.
    package static let larger: Primitive = Primitive(
        id: 1005, name: "maximum", pairwise: MW_BINARY_MAXIMUM, of: .all,
        derivative: extremeDerivative(.greater))

    /// The smaller of each pair; NaN where one is. Where both are equal, each receives half of the cotangent.
    package static let smaller: Primitive = Primitive(
        id: 1006, name: "minimum", pairwise: MW_BINARY_MINIMUM, of: .all,
        derivative: extremeDerivative(.less))

    /// The cotangent where an operand is related to the other as the result's is, and half of it where they are equal.
    private static func extremeDerivative(_ comparison: Comparison) -> Derivative {
        @Sendable func share(_ cotangent: AnyTensor, _ step: ReverseStep) throws(TensorError) -> AnyTensor {
            let own = step.operands[step.index]
            let other = step.operands[1 - step.index]
            let isChosen = try Primitive.compare.applied(to: own, other, .comparison(comparison))
            let half = try AnyTensor.select(own .== other, cotangent * 0.5, .scalar(0, dtype: own.dtype))
            return try AnyTensor.select(isChosen, cotangent, half).summed(toOperandOf: step)
        }
        return .reverse([
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                try share(cotangent, step)
            }
        ])
    }
}

extension AnyTensor {
    /// The larger of each pair of elements; NaN where one of them is, the first of two that are equal (as 0 and −0 are).
    /// Shapes broadcast. Of bools: whether one is true.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func maximum(
        _ left: consuming AnyTensor, _ right: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try Primitive.larger.apply(&left, &right)
    }

    /// The smaller of each pair of elements; NaN where one of them is, the first of two that are equal (as 0 and −0 are).
    /// Shapes broadcast. Of bools: whether both are true.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func minimum(
        _ left: consuming AnyTensor, _ right: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try Primitive.smaller.apply(&left, &right)
    }

    /// Each element, but `lowest` where it is less and `highest` where it is greater; NaN stays NaN. A bound that is nil
    /// does not hold. The bounds broadcast to this tensor, or it to them; where `lowest > highest`, the result is
    /// `highest`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public consuming func clipped(
        from lowest: consuming AnyTensor? = nil, to highest: consuming AnyTensor? = nil
    ) throws(TensorError) -> AnyTensor {
        var result = self
        if let lowest { result = try .maximum(result, lowest) }
        if let highest { result = try .minimum(result, highest) }
        return result
    }
}

extension Tensor {
    /// The larger of each pair of elements; NaN where one of them is, the first of two that are equal (as 0 and −0 are).
    /// Shapes broadcast. Of bools: whether one is true.
    public static func maximum(_ left: consuming Tensor, _ right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.larger.apply(&left.core, &right.core) }
    }

    /// The smaller of each pair of elements; NaN where one of them is, the first of two that are equal (as 0 and −0 are).
    /// Shapes broadcast. Of bools: whether both are true.
    public static func minimum(_ left: consuming Tensor, _ right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.smaller.apply(&left.core, &right.core) }
    }

    /// Each element, but `lowest` where it is less and `highest` where it is greater; NaN stays NaN. A bound that is nil
    /// does not hold.
    public consuming func clipped(
        from lowest: consuming Tensor? = nil, to highest: consuming Tensor? = nil
    ) -> Tensor {
        var result = self
        if let lowest { result = .maximum(result, lowest) }
        if let highest { result = .minimum(result, highest) }
        return result
    }
}
