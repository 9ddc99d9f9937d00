import CTensorKernels

extension Primitive {
    /// Rows of a table by index: `[rows, …]` and `[i, …]` give `[i, …, …]`.
    package static let gatherRows: Primitive = Primitive(
        id: 25, name: "gatherRows",
        .binary(
            rule: { table, indices, _ throws(TensorError) in
                try indices.requireIndices(in: "gatherRows")
                guard table.shape.rank >= 1 else {
                    throw TensorError(.shapeMismatch, "gatherRows: a scalar has no rows")
                }
                return TensorType(table.dtype, try Shape(Array(indices.shape) + table.shape.dropFirst()))
            },
            kernel: { table, indices, _, type throws(TensorError) in
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let indices = try indices.normalizedIndices(
                    below: table.shape[0], fromTheBack: false, in: "gatherRows"
                ).contiguous()
                let innerAxes = table.rank - 1
                let rows = try Rows(of: table.take(), innerAxes: innerAxes)
                AxisValues(indices.elementCount, rows.width).withPointer { shape in
                    AxisValues(rows.stride, 1).withPointer { strides in
                        AxisValues(1, 0).withPointer { indexStrides in
                            // Safe: every index names a row of the table, and the result has a row for each index.
                            unsafe mw_gather(
                                type.dtype.byteWidth, 2, shape, 0, result.firstByte, rows.tensor.firstByte, strides,
                                indices.elements(), indexStrides)
                        }
                    }
                }
                return result
            }),
        derivative: .reverse([
            OperandDerivative(
                saving: .second,
                rowSparse: { cotangent, step throws(TensorError) in
                    let indices = step.operands[1]
                    guard cotangent.trace == nil, indices.trace == nil else { return nil }
                    return try RowSparse(indices: indices, values: cotangent, rowCount: step.operand.shape[0])
                },
                { cotangent, step throws(TensorError) in
                    try Primitive.scatterAddRows.applied(
                        to: cotangent, step.operands[1], .rowCount(step.operand.shape[0]))
                }),
            .constant,
        ]))

    /// A table of a number of rows, each the sum of the operand's rows that an index sends there, in the order of the
    /// indices: the adjoint of ``gatherRows``.
    package static let scatterAddRows: Primitive = Primitive(
        id: 26, name: "scatterAddRows",
        .binary(
            rule: { rows, indices, attributes throws(TensorError) in
                guard case .rowCount(let count) = attributes else { preconditionFailure("no number of rows") }
                guard rows.dtype != .bool else {
                    throw TensorError(.dtypeMismatch, "scatterAddRows: not defined for \(rows)")
                }
                try indices.requireIndices(in: "scatterAddRows")
                guard rows.shape.rank >= indices.shape.rank,
                    rows.shape.prefix(indices.shape.rank).elementsEqual(indices.shape)
                else {
                    throw TensorError(
                        .shapeMismatch,
                        "scatterAddRows: \(rows.shape) does not begin with the indices' \(indices.shape)")
                }
                return TensorType(rows.dtype, try Shape([count] + rows.shape.dropFirst(indices.shape.rank)))
            },
            kernel: { rows, indices, _, type throws(TensorError) in
                let indices = try indices.normalizedIndices(
                    below: type.shape[0], fromTheBack: false, in: "scatterAddRows"
                ).contiguous()
                let isHalf = type.dtype.byteWidth == 2 && type.dtype.isFloatingPoint
                let source = isHalf ? try rows.widened() : try rows.contiguous()
                let result = try AnyTensor.zeros(type.shape, dtype: source.dtype)
                let width = type.shape.dropFirst().reduce(1, *)
                AxisValues(indices.elementCount, width).withPointer { shape in
                    AxisValues(width, 1).withPointer { strides in
                        AxisValues(1, 0).withPointer { indexStrides in
                            // Safe: every index names a row of the result, and the operand has a row for each index.
                            unsafe mw_scatter(
                                MW_SCATTER_ADD, source.dtype.kernel, 2, shape, 0, result.firstByte, strides,
                                indices.elements(), indexStrides, source.firstByte, strides)
                        }
                    }
                }
                return isHalf ? try result.narrowed(to: type.dtype) : result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.gatherRows.applied(to: cotangent, step.operands[1])
            },
            .constant,
        ]))
}

extension AnyTensor {
    /// The rows (elements of the first axis) that int32 or int64 `indices` name, in their order: `[rows, …]` and
    /// `[i, …]` give `[i, …, …]`. It is the look-up of embeddings: unlike ``taking(_:axis:)`` it takes −1 for a mistake.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that names no row,
    ///   ``TensorError/Code/shapeMismatch`` for a scalar, ``TensorError/Code/dtypeMismatch`` for other indices.
    public consuming func gatherRows(_ indices: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.gatherRows.apply(&self, &indices)
    }
}

extension Tensor {
    /// The rows (elements of the first axis) that `indices` name, in their order. Traps for an index that names no row;
    /// indices from data belong to ``AnyTensor/gatherRows(_:)``.
    public consuming func gatherRows(_ indices: consuming Tensor<Int32>) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.gatherRows.apply(&self.core, &indices.core) }
    }

    /// The rows (elements of the first axis) that `indices` name, in their order. Traps for an index that names no row;
    /// indices from data belong to ``AnyTensor/gatherRows(_:)``.
    @_disfavoredOverload
    public consuming func gatherRows(_ indices: consuming Tensor<Int64>) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.gatherRows.apply(&self.core, &indices.core) }
    }
}
