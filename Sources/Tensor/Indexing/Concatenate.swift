extension Primitive {
    /// Tensors one after the other along an axis.
    package static let concatenate: Primitive = Primitive(
        id: 27, name: "concatenate",
        .variadic(
            rule: { types, attributes throws(TensorError) in
                guard case .axis(let axis) = attributes, let first = types.first else {
                    preconditionFailure("no axis or no operand")
                }
                var length = 0
                for type in types {
                    try first.requireSameType(as: type, in: "concatenate")
                    guard type.shape.rank == first.shape.rank,
                        try type.shape.replacing(axis: axis, with: 0) == first.shape.replacing(axis: axis, with: 0)
                    else {
                        throw TensorError(
                            .shapeMismatch, "concatenate: \(first.shape) and \(type.shape) on axis \(axis)")
                    }
                    let (sum, overflow) = length.addingReportingOverflow(type.shape[axis])
                    guard !overflow else {
                        throw TensorError(.outOfMemory, "concatenate: the result cannot be addressed")
                    }
                    length = sum
                }
                return TensorType(first.dtype, try first.shape.replacing(axis: axis, with: length))
            },
            kernel: { operands, attributes, type throws(TensorError) in
                guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                var start = 0
                for operand in operands {
                    let end = start + operand.shape[axis]
                    var bounds = SliceBounds(whole: type.shape)
                    try bounds.narrow(axis: axis, to: start..<end, step: 1, in: "concatenate")
                    let (layout, offset) = result.layout.sliced(bounds)
                    // Safe: the slice lies in the result, which is new.
                    unsafe operand.copyElements(
                        to: result.firstByte + offset * type.dtype.byteWidth, layout: layout)
                    start = end
                }
                return result
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                guard case .axis(let axis) = step.attributes else { preconditionFailure("no axis") }
                let start = step.operands[..<step.index].reduce(0) { $0 + $1.shape[axis] }
                return try cotangent.sliced(axis: axis, start..<start + step.operand.shape[axis])
            }
        ]))
}

extension AnyTensor {
    /// Tensors one after the other along `axis`; their other dimensions are equal.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` where they differ or when there are none,
    ///   ``TensorError/Code/dtypeMismatch``, ``TensorError/Code/indexOutOfRange`` for an axis that they lack.
    public static func concatenate(_ tensors: consuming [AnyTensor], axis: Int = 0) throws(TensorError) -> AnyTensor {
        guard let first = tensors.first else {
            throw TensorError(.shapeMismatch, "concatenate: no tensors")
        }
        let axis = try AxisSet.position(of: axis, rank: first.rank, of: "concatenate")
        return try Primitive.concatenate.apply(to: tensors, .axis(axis))
    }
}

extension Tensor {
    /// Tensors one after the other along `axis`; their other dimensions are equal.
    public static func concatenate(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try .concatenate(tensors.map(\.core), axis: axis) }
    }
}
