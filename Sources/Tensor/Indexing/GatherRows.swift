import CTensorKernels

extension Primitive {
    /// Rows of a table by int32 index: `[rows, …]` and `[i, …]` give `[i, …, …]`.
    package static let gatherRows: Primitive = Primitive(
        id: 25, name: "gatherRows",
        .binary(
            rule: { table, indices, _ throws(TensorError) in
                try table.require(.float32, .int32, in: "gatherRows")
                try indices.require(.int32, in: "gatherRows")
                guard table.shape.rank >= 1 else {
                    throw TensorError(.shapeMismatch, "gatherRows: a scalar has no rows")
                }
                return TensorType(table.dtype, try Shape(Array(indices.shape) + table.shape.dropFirst()))
            },
            kernel: { table, indices, _, type throws(TensorError) in
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let indices = try indices.checkedIndices(below: table.shape[0], in: "gatherRows")
                let innerAxes = table.rank - 1
                let rows = try Rows(of: table.take(), innerAxes: innerAxes)
                // Safe: every index names a row of the table, and the result has a row for each index.
                unsafe mw_gather_rows(
                    indices.elementCount, rows.width * type.dtype.byteWidth, result.firstByte, rows.tensor.firstByte,
                    rows.stride * type.dtype.byteWidth, indices.elements())
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.scatterAddRows.applied(
                    to: cotangent, step.operands[1], .rowCount(step.operand.shape[0]))
            },
            .constant,
        ]))

    /// A table of a number of rows, each the sum of the operand's rows that an index sends there, in the order of the
    /// indices: the adjoint of ``gatherRows``.
    package static let scatterAddRows: Primitive = Primitive(
        id: 26, name: "scatterAddRows",
        .binary(
            rule: { rows, indices, attributes throws(TensorError) in
                guard case .rowCount(let count) = attributes else { preconditionFailure("no number of rows") }
                try rows.require(.float32, in: "scatterAddRows")
                try indices.require(.int32, in: "scatterAddRows")
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
                let result = try AnyTensor.zeros(type.shape, dtype: type.dtype)
                let indices = try indices.checkedIndices(below: type.shape[0], in: "scatterAddRows")
                let packed = try rows.contiguous()
                // Safe: every index names a row of the result, and the operand has a row for each index.
                unsafe mw_scatter_add_rows_f32(
                    indices.elementCount, type.shape.dropFirst().reduce(1, *), result.elements(), packed.elements(),
                    indices.elements())
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.gatherRows.applied(to: cotangent, step.operands[1])
            },
            .constant,
        ]))
}

extension AnyTensor {
    /// These int32 values, contiguous, after checking that each names one of `bound` places: they come from data.
    func checkedIndices(below bound: Int, in operation: StaticString) throws(TensorError) -> AnyTensor {
        let packed = try contiguous()
        // Safe: the shape rule made sure of int32, and there are as many values as elements.
        let wrong = unsafe mw_first_index_out_of_range(packed.elements(), packed.elementCount, bound)
        guard wrong < 0 else {
            let value = try packed.scalars(as: Int32.self)[wrong]
            throw TensorError(.indexOutOfRange, "\(operation): element \(wrong) is \(value), not in 0..<\(bound)")
        }
        return packed
    }

    /// The rows (elements of the first axis) that int32 `indices` name, in their order: `[rows, …]` and `[i, …]` give
    /// `[i, …, …]`.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that names no row,
    ///   ``TensorError/Code/shapeMismatch`` for a scalar, ``TensorError/Code/dtypeMismatch``.
    public consuming func gatherRows(_ indices: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.gatherRows.apply(&self, &indices)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The rows (elements of the first axis) that `indices` name, in their order. Traps for an index that names no row;
    /// indices from data belong to ``AnyTensor/gatherRows(_:)``.
    public consuming func gatherRows(_ indices: consuming Tensor<Int32>) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.gatherRows.apply(&self.core, &indices.core) }
    }
}
