extension Primitive {
    /// The same bytes as elements of another type. Bits have no slope.
    package static let bitCast: Primitive = Primitive(
        id: 2_003, name: "bitCast",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .dtype(let dtype) = attributes else { preconditionFailure("no type to see the bits as") }
                return TensorType(dtype, try type.shape(bitCastTo: dtype))
            },
            kernel: { operand, _, type throws(TensorError) in
                let isSameWidth = operand.dtype.byteWidth == type.dtype.byteWidth
                var whole = isSameWidth ? operand.take() : try operand.contiguous()
                // What shows the bytes of a file or a message is aligned for its own elements alone.
                // Safe: only the address is looked at.
                let address = unsafe Int(bitPattern: whole.firstByte)
                if address % type.dtype.byteWidth != 0 { whole = try whole.contiguousCopy() }
                guard let storage = whole.storage else { preconditionFailure("no bytes") }
                if type.dtype == .bool, whole.dtype != .bool { try whole.requireBools() }
                return AnyTensor(
                    storage, byteOffset: whole.byteOffset,
                    layout: isSameWidth ? whole.layout : Layout(contiguous: type.shape), dtype: type.dtype)
            }),
        derivative: .notDifferentiable)
}

extension TensorType {
    fileprivate func shape(bitCastTo other: DType) throws(TensorError) -> Shape {
        if other.byteWidth == dtype.byteWidth { return shape }
        guard let last = shape.last, last &* dtype.byteWidth % other.byteWidth == 0 else {
            throw TensorError(.shapeMismatch, "bitCast: the last axis of \(self) is no whole number of \(other)s")
        }
        // A countable shape has so few elements that their bytes are countable too.
        return try Shape(Array(shape.dropLast()) + [last &* dtype.byteWidth / other.byteWidth])
    }
}

extension AnyTensor {
    /// Throws unless every byte is one of the two that a Bool may be.
    fileprivate func requireBools() throws(TensorError) {
        let packed = try contiguous()
        // Safe: the bytes are read inside the closure.
        let wrong = packed.withBytes { bytes in unsafe bytes.firstIndex { $0 > 1 } }
        if let wrong {
            throw TensorError(.valueOutOfRange, "bitCast: byte \(wrong) of \(type) is neither 0 nor 1, as a bool's is")
        }
    }

    /// The bits of the elements as elements of another type: a view, where the bytes lie together and are aligned for the
    /// other type, else of a copy.
    ///
    /// Types of one width leave the shape alone. Otherwise the last axis grows or shrinks by the ratio of the widths, and
    /// the bytes of an element are those of its parts in little-endian order: `float64 [3, 2]` gives `uint8 [3, 16]`.
    /// Has no derivative: to a tape the result is a constant.
    ///
    /// ```swift
    /// try AnyTensor([1, -2] as [Float], shape: [2]).bitCast(to: .uint32)    // [0x3f80_0000, 0xc000_0000]
    /// ```
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for types of two widths where there is no axis, or where the last is no
    ///   whole number of the other type; ``TensorError/Code/valueOutOfRange`` for a bool that would be neither 0 nor 1.
    public consuming func bitCast(to dtype: DType) throws(TensorError) -> AnyTensor {
        if dtype == self.dtype { return self }
        return try Primitive.bitCast.apply(&self, .dtype(dtype))
    }
}

extension Tensor {
    /// The bits of the elements as elements of another type; where that is wider or narrower, the last axis shrinks or
    /// grows by the ratio.
    public consuming func bitCast<Other: TensorScalar>(to type: Other.Type = Other.self) -> Tensor<Other> {
        Tensor<Other> { () throws(TensorError) in try self.core.take().bitCast(to: Other.dtype) }
    }
}
