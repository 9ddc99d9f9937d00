import CTensorKernels

extension AnyTensor {
    /// Windows of `size` places that slide along an axis in steps, as a view without a copy: `[…, n, …]` gives
    /// `[…, (n − size) / step + 1, …, size]`.
    ///
    /// ```swift
    /// try AnyTensor([1, 2, 3, 4] as [Float], shape: [4]).windows(axis: 0, size: 3)    // [[1, 2, 3], [2, 3, 4]]
    /// ```
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks, or unless `size` is in
    ///   `1...n` and `step` positive; ``TensorError/Code/rankTooLarge``.
    public consuming func windows(axis: Int, size: Int, step: Int = 1) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "windows")
        guard size >= 1, size <= shape[axis], step >= 1 else {
            throw TensorError(
                .indexOutOfRange, "windows: of \(size) in steps of \(step) on axis \(axis) of \(shape)")
        }
        return try Primitive.stridedView.apply(
            &self, .view(.windows(axis: axis, size: size, step: step), whole: shape))
    }

    /// The sum of windows at their places along an axis of `length`, 0 where there is none: the adjoint of
    /// ``windows(axis:size:step:)``, `[…, count, …, size]` to `[…, length, …]`. 16-bit floats add up in float32.
    ///
    /// ```swift
    /// try x.windows(axis: 0, size: 2, step: 2).foldingWindows(axis: 0, step: 2, length: 4)  // x: [4]
    /// ```
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that is not before the last, or unless `count` windows
    ///   with a positive `step` are what `length` has; ``TensorError/Code/shapeMismatch`` for fewer than two axes,
    ///   ``TensorError/Code/dtypeMismatch`` for bools.
    public consuming func foldingWindows(axis: Int, step: Int = 1, length: Int) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        guard shape.rank >= 2 else {
            throw TensorError(.shapeMismatch, "foldingWindows: \(shape) has no axis of windows before the last")
        }
        try type.require(.numbers, in: "foldingWindows")
        let axis = try AxisSet.position(of: axis, rank: shape.rank - 1, of: "foldingWindows")
        let size = shape[shape.rank - 1]
        guard size >= 1, size <= length, step >= 1, (length - size) / step + 1 == shape[axis] else {
            throw TensorError(
                .indexOutOfRange,
                "foldingWindows: axis \(axis) of \(shape) is not the windows of \(length) in steps of \(step)")
        }
        let whole = try Shape(Array(shape.dropLast())).replacing(axis: axis, with: length)
        return try Primitive.accumulateView.apply(
            &self, .view(.windows(axis: axis, size: size, step: step), whole: whole))
    }

    /// Adds up windows where they overlap in a whole that is 0 elsewhere.
    func accumulated(in type: TensorType, _ view: StridedView) throws(TensorError) -> AnyTensor {
        let isHalf = type.dtype.byteWidth == 2 && type.dtype.isFloatingPoint
        let source = isHalf ? try widened() : self
        let whole = try AnyTensor.zeros(type.shape, dtype: source.dtype)
        let (target, _) = view.applied(to: whole.layout, shape: shape)
        shape.dimensions.withPointer { shape in
            target.strides.withPointer { targetStrides in
                source.layout.strides.withPointer { strides in
                    // Safe: the windows lie in the whole, which is new.
                    unsafe mw_accumulate(
                        source.dtype.kernel, source.rank, shape, whole.firstByte, targetStrides, source.firstByte,
                        strides)
                }
            }
        }
        return isHalf ? try whole.narrowed(to: type.dtype) : whole
    }
}

extension Tensor {
    /// Windows of `size` places that slide along an axis in steps, as a view without a copy: `[…, n, …]` gives
    /// `[…, (n − size) / step + 1, …, size]`.
    public consuming func windows(axis: Int, size: Int, step: Int = 1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().windows(axis: axis, size: size, step: step) }
    }

    /// The sum of windows at their places along an axis of `length`: `[…, count, …, size]` to `[…, length, …]`.
    public consuming func foldingWindows(axis: Int, step: Int = 1, length: Int) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().foldingWindows(axis: axis, step: step, length: length)
        }
    }
}
