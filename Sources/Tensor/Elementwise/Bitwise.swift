import CTensorKernels

extension Primitive {
    /// The bits that both have.
    package static let bitwiseAnd: Primitive = bitwise(1011, "and", .integersAndBools, MW_BINARY_AND)
    /// The bits that one of both has.
    package static let bitwiseOr: Primitive = bitwise(1012, "or", .integersAndBools, MW_BINARY_OR)
    /// The bits that just one of both has.
    package static let bitwiseXor: Primitive = bitwise(1013, "xor", .integersAndBools, MW_BINARY_XOR)
    /// The bits moved up.
    package static let shiftLeft: Primitive = bitwise(1014, "shiftLeft", .integers, MW_BINARY_SHIFT_LEFT)
    /// The bits moved down, the sign's into the places that become free.
    package static let shiftRight: Primitive = bitwise(1015, "shiftRight", .integers, MW_BINARY_SHIFT_RIGHT)

    /// Each bit flipped.
    package static let bitwiseNot: Primitive = Primitive(
        id: 1199, name: "not",
        .unary(
            rule: unaryRule("not", .integersAndBools),
            kernel: { operand, attributes, type throws(TensorError) in
                try (type.dtype == .bool ? flippingTruths : flippingBits)(&operand, attributes, type)
            }),
        derivative: .notDifferentiable)

    private static let flippingBits = elementwise(MW_UNARY_BITWISE_NOT)
    private static let flippingTruths = elementwise(MW_UNARY_LOGICAL_NOT)

    private static func bitwise(
        _ id: Int, _ name: StaticString, _ allowed: DTypeSet, _ operation: mw_binary_operation
    ) -> Primitive {
        Primitive(id: id, name: name, pairwise: operation, of: allowed, derivative: .notDifferentiable)
    }
}

extension AnyTensor {
    /// The bits that both elements of each pair have; of bools, whether both are true. Shapes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` for floats.
    public static func & (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.bitwiseAnd.apply(&left, &right)
    }

    /// The bits that one element of each pair has; of bools, whether one is true. Shapes broadcast.
    ///
    /// - Throws: as `&`.
    public static func | (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.bitwiseOr.apply(&left, &right)
    }

    /// The bits that just one element of each pair has; of bools, whether they differ. Shapes broadcast.
    ///
    /// - Throws: as `&`.
    public static func ^ (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.bitwiseXor.apply(&left, &right)
    }

    /// Each bit of each integer flipped; of bools, whether each is false.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for floats.
    public static prefix func ~ (operand: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.bitwiseNot.apply(&operand)
    }

    /// The bits of each integer moved up as far as the other says; 0 where that is the type's width or more, or negative.
    /// Shapes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless both are integers.
    public static func << (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.shiftLeft.apply(&left, &right)
    }

    /// The bits of each integer moved down as far as the other says, the sign repeated; where that is the type's width or
    /// more, or negative, 0, or −1 of a negative integer. Shapes broadcast.
    ///
    /// - Throws: as `<<`.
    public static func >> (left: consuming AnyTensor, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.shiftRight.apply(&left, &right)
    }
}

extension Tensor where Scalar: IntegerTensorScalar {
    /// The bits that both elements of each pair have. Shapes broadcast.
    public static func & (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseAnd.apply(&left.core, &right.core) }
    }

    /// The bits that one element of each pair has. Shapes broadcast.
    public static func | (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseOr.apply(&left.core, &right.core) }
    }

    /// The bits that just one element of each pair has. Shapes broadcast.
    public static func ^ (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseXor.apply(&left.core, &right.core) }
    }

    /// Each bit of each element flipped.
    public static prefix func ~ (operand: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseNot.apply(&operand.core) }
    }

    /// The bits of each element moved up as far as the other says; 0 where that is the type's width or more, or negative.
    public static func << (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.shiftLeft.apply(&left.core, &right.core) }
    }

    /// The bits of each element moved down as far as the other says, the sign repeated; where that is the type's width or
    /// more, or negative, 0, or −1 of a negative integer.
    public static func >> (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.shiftRight.apply(&left.core, &right.core) }
    }
}

extension Tensor where Scalar == Bool {
    /// Whether both elements of each pair are true. Shapes broadcast.
    public static func & (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseAnd.apply(&left.core, &right.core) }
    }

    /// Whether one element of each pair is true. Shapes broadcast.
    public static func | (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseOr.apply(&left.core, &right.core) }
    }

    /// Whether the elements of each pair differ. Shapes broadcast.
    public static func ^ (left: consuming Tensor, right: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.bitwiseXor.apply(&left.core, &right.core) }
    }
}
