import CTensorKernels

extension Primitive {
    /// The angle `θ` of the point `(x, y)`, operands `y` and `x` in this order: `∂θ/∂y = x / (x² + y²)` and
    /// `∂θ/∂x = -y / (x² + y²)`.
    package static let angle: Primitive = Primitive(
        id: 1007, name: "atan2", pairwise: MW_BINARY_ATAN2, of: .floats,
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                let (y, x) = (step.operands[0], step.operands[1])
                return try (cotangent * x / (x * x + y * y)).summed(toOperandOf: step)
            },
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                let (y, x) = (step.operands[0], step.operands[1])
                return try (cotangent * y / (x * x + y * y)).negated().summed(toOperandOf: step)
            },
        ]))

    /// `h = √(x² + y²)` without overflow on the way, with `∂h/∂x = x / h`: 0 at the origin.
    package static let hypotenuse: Primitive = Primitive(
        id: 1008, name: "hypot", pairwise: MW_BINARY_HYPOT, of: .floats,
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second, .result]) { cotangent, step throws(TensorError) in
                let length = step.result
                let isOrigin = try length .== 0
                let divisor = try AnyTensor.select(isOrigin, .scalar(1, dtype: length.dtype), length)
                return try (cotangent * step.operands[step.index] / divisor).summed(toOperandOf: step)
            }
        ]))

    /// The magnitude of the first operand with the sign of the second.
    package static let copySign: Primitive = Primitive(
        id: 1009, name: "copySign", pairwise: MW_BINARY_COPYSIGN, of: .floats,
        derivative: .reverse([
            OperandDerivative(saving: [.first, .second]) { cotangent, step throws(TensorError) in
                let (magnitude, sign) = (step.operands[0], step.operands[1])
                let one = try AnyTensor.scalar(1, dtype: magnitude.dtype)
                let slope = try one.copyingSign(of: magnitude) * one.copyingSign(of: sign)
                return try AnyTensor.select(magnitude .== 0, .scalar(0, dtype: slope.dtype), cotangent * slope)
                    .summed(toOperandOf: step)
            },
            .constant,
        ]))
}

extension AnyTensor {
    /// The angle of each point `(x, y)` with the first axis, in -π...π radians, of all four quadrants, with the special
    /// values of IEEE 754. Shapes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless both are floats.
    public static func atan2(y: consuming AnyTensor, x: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.angle.apply(&y, &x)
    }

    /// `√(x² + y²)` of each pair of floats, without overflow on the way; infinite where one is, even beside NaN. Shapes
    /// broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public static func hypot(_ x: consuming AnyTensor, _ y: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.hypotenuse.apply(&x, &y)
    }

    /// The magnitude of each float with the sign of another, that of −0 too. Shapes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch``.
    public consuming func copyingSign(of sign: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.copySign.apply(&self, &sign)
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The angle of each point `(x, y)` with the first axis, in -π...π radians, of all four quadrants. Shapes broadcast.
    public static func atan2(y: consuming Tensor, x: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.angle.apply(&y.core, &x.core) }
    }

    /// `√(x² + y²)` of each pair, without overflow on the way. Shapes broadcast.
    public static func hypot(_ x: consuming Tensor, _ y: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.hypotenuse.apply(&x.core, &y.core) }
    }

    /// The magnitude of each element with the sign of another, that of −0 too. Shapes broadcast.
    public consuming func copyingSign(of sign: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.copySign.apply(&self.core, &sign.core) }
    }
}
