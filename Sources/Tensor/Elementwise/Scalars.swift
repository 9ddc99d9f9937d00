// Arithmetic and comparisons with one number. The number takes the tensor's element type, so that the result has the
// type that two tensors of it would give: `x * 2.5` of a float16 is a float16. What an integer type does not hold (a
// fraction, 300 in a uint8) throws instead of being rounded. No tensor of the full size is made: a tensor without axes
// broadcasts.

extension AnyTensor {
    /// A tensor without axes that holds `value` as an element of type `dtype`: rounded to nearest where that is a type of
    /// floats.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where an integer type or bool does not hold the value.
    public static func scalar(_ value: Double, dtype: DType) throws(TensorError) -> AnyTensor {
        switch dtype {
        case .float64: try .scalar(value)
        case .float32: try .scalar(Float(value))
        case .bfloat16: try .scalar(BFloat16(value))
        case .float16: try .scalar(Float16(value))
        case .int64: try .scalar(exactly(value, as: Int64.self))
        case .int32: try .scalar(exactly(value, as: Int32.self))
        case .int16: try .scalar(exactly(value, as: Int16.self))
        case .int8: try .scalar(exactly(value, as: Int8.self))
        case .uint64: try .scalar(exactly(value, as: UInt64.self))
        case .uint32: try .scalar(exactly(value, as: UInt32.self))
        case .uint16: try .scalar(exactly(value, as: UInt16.self))
        case .uint8: try .scalar(exactly(value, as: UInt8.self))
        case .bool:
            switch value {
            case 0: try .scalar(false)
            case 1: try .scalar(true)
            default: throw TensorError(.valueOutOfRange, "the scalar \(value) is no bool")
            }
        }
    }

    private static func exactly<Integer: IntegerTensorScalar>(
        _ value: Double, as type: Integer.Type
    ) throws(TensorError) -> Integer {
        guard let integer = Integer(exactly: value) else {
            throw TensorError(.valueOutOfRange, "the scalar \(value) is no \(Integer.dtype)")
        }
        return integer
    }
}

extension AnyTensor {
    /// The sum of each element and a number, which takes the element type.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public static func + (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.add.apply(&left, &right)
    }

    /// The sum of a number and each element.
    ///
    /// - Throws: as `+`.
    public static func + (left: Double, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        var left = try scalar(left, dtype: right.dtype)
        return try Primitive.add.apply(&left, &right)
    }

    /// The difference of each element and a number.
    ///
    /// - Throws: as `+`.
    public static func - (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.subtract.apply(&left, &right)
    }

    /// The difference of a number and each element.
    ///
    /// - Throws: as `+`.
    public static func - (left: Double, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        var left = try scalar(left, dtype: right.dtype)
        return try Primitive.subtract.apply(&left, &right)
    }

    /// The product of each element and a number.
    ///
    /// - Throws: as `+`.
    public static func * (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.multiply.apply(&left, &right)
    }

    /// The product of a number and each element.
    ///
    /// - Throws: as `+`.
    public static func * (left: Double, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        var left = try scalar(left, dtype: right.dtype)
        return try Primitive.multiply.apply(&left, &right)
    }

    /// The quotient of each float and a number.
    ///
    /// - Throws: as `+`.
    public static func / (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.divide.apply(&left, &right)
    }

    /// The quotient of a number and each float.
    ///
    /// - Throws: as `+`.
    public static func / (left: Double, right: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        var left = try scalar(left, dtype: right.dtype)
        return try Primitive.divide.apply(&left, &right)
    }

    /// Whether each element equals a number, as bools.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number.
    public static func .== (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.compare.apply(&left, &right, .comparison(.equal))
    }

    /// Whether each element differs from a number, as bools.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number.
    public static func .!= (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.compare.apply(&left, &right, .comparison(.notEqual))
    }

    /// Whether each element is less than a number, as bools.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number.
    public static func .< (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.compare.apply(&left, &right, .comparison(.less))
    }

    /// Whether each element is at most a number, as bools.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number.
    public static func .<= (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.compare.apply(&left, &right, .comparison(.lessOrEqual))
    }

    /// Whether each element is greater than a number, as bools.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number.
    public static func .> (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.compare.apply(&left, &right, .comparison(.greater))
    }

    /// Whether each element is at least a number, as bools.
    ///
    /// - Throws: ``TensorError/Code/valueOutOfRange`` where the element type does not hold the number.
    public static func .>= (left: consuming AnyTensor, right: Double) throws(TensorError) -> AnyTensor {
        var right = try scalar(right, dtype: left.dtype)
        return try Primitive.compare.apply(&left, &right, .comparison(.greaterOrEqual))
    }
}
