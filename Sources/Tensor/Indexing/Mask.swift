import CTensorKernels

extension AnyTensor {
    /// This tensor with `value` in the places where a mask, which broadcasts to it, holds true. The value broadcasts
    /// too; for one value its tensor has no axes.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless the mask is bool and the
    ///   value of this tensor's type.
    public consuming func filling(
        where mask: consuming AnyTensor, with value: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        guard mask.shape.broadcasts(to: shape), value.shape.broadcasts(to: shape) else {
            throw TensorError(
                .shapeMismatch, "filling: mask \(mask.shape) and value \(value.shape) do not broadcast to \(shape)")
        }
        return try Primitive.select.apply(&mask, &value, &self)
    }

    /// The elements, or slices, where a mask holds true, in row-major order: a mask of this tensor's shape gives a
    /// vector, one of its first axes' shape gives `[count, …]`.
    ///
    /// How many there are depends on the mask's values, so an abstract mask throws.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless this tensor's shape begins with the mask's,
    ///   ``TensorError/Code/dtypeMismatch`` unless it is bool, ``TensorError/Code/valuesUnknown``.
    public consuming func taking(where mask: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        let (rows, flat) = try mask.rows(in: shape, of: "taking where")
        return try self.reshaped(to: flat).taking(rows)
    }

    /// This tensor with `values` where a mask holds true: one for each true of the mask, elements or slices as
    /// ``taking(where:)`` gives them, in row-major order; or what broadcasts to these.
    ///
    /// - Throws: as ``taking(where:)`` and ``filling(where:with:)``.
    public consuming func assigning(
        _ values: consuming AnyTensor, where mask: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        if values.rank == 0, mask.rank == shape.rank { return try self.filling(where: mask, with: values) }
        let (rows, flat) = try mask.rows(in: shape, of: "assigning where")
        let target = try flat.replacing(axis: 0, with: rows.elementCount)
        guard values.shape.broadcasts(to: target) else {
            throw TensorError(
                .shapeMismatch, "assigning where: values of shape \(values.shape) for \(target) true elements")
        }
        return try self.reshaped(to: flat).scattering(slices: values, at: rows).reshaped(to: shape)
    }

    /// The indices of the elements that are not 0 (or false), one row for each in row-major order: int64
    /// `[count, rank]`. NaN is not 0.
    ///
    /// - Throws: ``TensorError/Code/valuesUnknown`` for an abstract tensor, of which nobody knows how many there are.
    public consuming func nonZero() throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let positions = try self.withoutTrace().cast(to: .bool).truePositions()
        var flat = try positions.scalars(as: Int64.self)
        var indices = [Int64](repeating: 0, count: flat.count * shape.rank)
        for axis in (0..<shape.rank).reversed() {
            let dimension = Int64(shape[axis])
            for row in flat.indices {
                let (quotient, remainder) = flat[row].quotientAndRemainder(dividingBy: dimension)
                indices[row * shape.rank + axis] = remainder
                flat[row] = quotient
            }
        }
        return try AnyTensor(indices, shape: Shape([flat.count, shape.rank]))
    }

    /// The row-major positions of the true elements of a bool tensor: int64, one axis.
    func truePositions() throws(TensorError) -> AnyTensor {
        let mask = try contiguous()
        // Safe: bools are bytes of 0 and 1, as many as there are elements.
        let count = unsafe mw_count_true(mask.elementCount, mask.elements())
        let positions = try AnyTensor(uninitialized: Shape([count]), dtype: .int64)
        // Safe: as many were counted as there is room for.
        unsafe mw_true_positions(mask.elementCount, mask.elements(), count, positions.elements())
        return positions
    }

    /// The rows that this mask names of a tensor whose first axes, those of the mask, are made one.
    private consuming func rows(
        in shape: Shape, of operation: StaticString
    ) throws(TensorError) -> (rows: AnyTensor, flat: Shape) {
        try type.require(.bool, in: operation)
        guard rank <= shape.rank, shape.prefix(rank).elementsEqual(self.shape) else {
            throw TensorError(.shapeMismatch, "\(operation): \(shape) does not begin with the mask's \(self.shape)")
        }
        let flat = try Shape([elementCount] + shape.dropFirst(rank))
        return (try self.withoutTrace().truePositions(), flat)
    }
}

extension Tensor {
    /// This tensor with `value` in the places where a mask, which broadcasts to it, holds true.
    public consuming func filling(where mask: consuming Tensor<Bool>, with value: Scalar) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().filling(where: mask.core.take(), with: .scalar(value))
        }
    }

    /// The elements, or slices, where a mask holds true, in row-major order.
    public consuming func taking(where mask: consuming Tensor<Bool>) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().taking(where: mask.core.take()) }
    }

    /// The indices of the elements that are not 0 (or false), one row for each in row-major order: `[count, rank]`.
    public consuming func nonZero() -> Tensor<Int64> {
        Tensor<Int64> { () throws(TensorError) in try self.core.take().nonZero() }
    }

    /// The elements, or slices, where a mask holds true, in row-major order; and assignment to them: of one value for
    /// all (a tensor without axes, or a slice), or of one for each true.
    public subscript(mask: Tensor<Bool>) -> Tensor {
        get { taking(where: mask) }
        set {
            let old = core.take()
            core = trapping { () throws(TensorError) in try old.assigning(newValue.core, where: mask.core) }
        }
    }
}
