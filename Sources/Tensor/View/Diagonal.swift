extension AnyTensor {
    /// The elements on a diagonal of two axes, as a view without a copy: the two vanish, and the diagonal is the last
    /// axis. With `offset` k those whose place on the second axis is k more than on the first.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/shapeMismatch`` when both are one.
    public consuming func diagonal(
        offset: Int = 0, axes: (Int, Int) = (-2, -1)
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let first = try AxisSet.position(of: axes.0, rank: shape.rank, of: "diagonal")
        let second = try AxisSet.position(of: axes.1, rank: shape.rank, of: "diagonal")
        guard first != second else {
            throw TensorError(.shapeMismatch, "diagonal: axis \(first) of \(shape) with itself")
        }
        return try Primitive.stridedView.apply(
            &self, .view(.diagonal(offset: offset, first: first, second: second), whole: shape))
    }

    /// Matrices with the elements of the last axis on a diagonal and 0 elsewhere: `[…, n]` gives
    /// `[…, n + |offset|, n + |offset|]`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a tensor without axes, ``TensorError/Code/rankTooLarge``,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func diagonalMatrix(offset: Int = 0) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        guard let length = shape.last else {
            throw TensorError(.shapeMismatch, "diagonalMatrix: a scalar has no axis")
        }
        let (side, overflow) = length.addingReportingOverflow(offset < 0 ? 0 &- offset : offset)
        guard !overflow, side >= 0 else {
            throw TensorError(.outOfMemory, "diagonalMatrix: offset \(offset) of \(shape) cannot be addressed")
        }
        let whole = try Shape(shape.dropLast() + [side, side])
        let view = StridedView.diagonal(offset: offset, first: shape.rank - 1, second: shape.rank)
        return try Primitive.accumulateView.apply(&self, .view(view, whole: whole))
    }
}

extension Tensor {
    /// The elements on a diagonal of two axes, as a view without a copy: the two vanish, and the diagonal is the last
    /// axis. With `offset` k those whose place on the second axis is k more than on the first.
    public consuming func diagonal(offset: Int = 0, axes: (Int, Int) = (-2, -1)) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().diagonal(offset: offset, axes: axes) }
    }

    /// Matrices with the elements of the last axis on a diagonal and 0 elsewhere: `[…, n]` gives
    /// `[…, n + |offset|, n + |offset|]`.
    public consuming func diagonalMatrix(offset: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().diagonalMatrix(offset: offset) }
    }
}
