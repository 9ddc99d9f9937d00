extension Tensor: ExpressibleByFloatLiteral where Scalar: FloatingTensorScalar {
    /// A tensor without axes that holds `value`.
    public init(floatLiteral value: Scalar.FloatLiteralType) {
        self.init(Scalar(floatLiteral: value))
    }
}

extension Tensor: ExpressibleByIntegerLiteral where Scalar: NumericTensorScalar {
    /// A tensor without axes that holds `value`.
    public init(integerLiteral value: Scalar.IntegerLiteralType) {
        self.init(Scalar(integerLiteral: value))
    }
}

extension Tensor: ExpressibleByBooleanLiteral where Scalar == Bool {
    /// A tensor without axes that holds `value`.
    public init(booleanLiteral value: Bool) {
        self.init(value)
    }
}

extension Tensor: ExpressibleByArrayLiteral {
    /// Stacks tensors of one shape along a new first axis, so that literals nest: `[[1, 2], [3, 4]]`. Traps when the
    /// shapes differ.
    public init(arrayLiteral elements: Tensor...) {
        self.init { () throws(TensorError) in
            guard let shape = elements.first?.shape else { return try AnyTensor.zeros([0], dtype: Scalar.dtype) }
            var rows: [AnyTensor] = []
            for element in elements {
                guard element.shape == shape else {
                    throw TensorError(.shapeMismatch, "array literal: \(shape) beside \(element.shape)")
                }
                rows.append(try element.core.reshaped(to: Shape([1] + Array(shape))))
            }
            return try AnyTensor.concatenate(rows, axis: 0)
        }
    }
}
