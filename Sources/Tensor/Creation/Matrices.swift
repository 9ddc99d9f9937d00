extension AnyTensor {
    /// A matrix that is 1 on a diagonal and 0 elsewhere: where the column is `diagonal` more than the row.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a negative dimension, ``TensorError/Code/outOfMemory``.
    public static func eye(
        _ rows: Int, _ columns: Int, diagonal: Int = 0, dtype: DType = .float32
    ) throws(TensorError) -> AnyTensor {
        var matrix = try zeros(Shape([rows, columns]), dtype: dtype)
        let length = try matrix.diagonal(offset: diagonal).elementCount
        guard length > 0 else { return matrix }
        let one = try ones(.scalar, dtype: dtype).broadcast(to: Shape([length]))
        let view = StridedView.diagonal(offset: diagonal, first: 0, second: 1)
        let (layout, offset) = view.applied(to: matrix.layout, shape: one.shape)
        // Safe: the view lies in the matrix, which is new.
        unsafe one.copyElements(to: matrix.firstByte + offset &* dtype.byteWidth, layout: layout)
        return matrix.take()
    }

    /// The identity matrix of `size` rows.
    ///
    /// - Throws: as ``eye(_:_:diagonal:dtype:)``.
    public static func identity(_ size: Int, dtype: DType = .float32) throws(TensorError) -> AnyTensor {
        try eye(size, size, dtype: dtype)
    }

    /// A matrix that is true on and below a diagonal, where the column is at most `diagonal` more than the row, and
    /// false above: what masks of causal attention are made of. ``cast(to:)`` makes numbers of it.
    ///
    /// - Throws: as ``eye(_:_:diagonal:dtype:)``.
    public static func triangle(_ rows: Int, _ columns: Int, diagonal: Int = 0) throws(TensorError) -> AnyTensor {
        let shape = try Shape([rows, columns])
        let matrix = try zeros(shape, dtype: .bool)
        // Without columns there may be more rows than anybody can count.
        for row in 0..<(columns == 0 ? 0 : rows) {
            let (end, overflow) = row.addingReportingOverflow(diagonal)
            let count = overflow ? columns : Swift.min(Swift.max(end, -1), columns - 1) + 1
            // Safe: at most a row of bools of the matrix, which is new.
            unsafe (matrix.firstByte + row * columns).initializeMemory(as: Bool.self, repeating: true, count: count)
        }
        return matrix
    }

    /// The matrices of the last two axes with 0 above a diagonal, where the column is more than `diagonal` more than the
    /// row.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for fewer than two axes.
    public consuming func lowerTriangle(diagonal: Int = 0) throws(TensorError) -> AnyTensor {
        let (rows, columns) = try matrixDimensions(of: "lowerTriangle")
        let zero = try AnyTensor.zeros(.scalar, dtype: dtype)
        return try AnyTensor.select(.triangle(rows, columns, diagonal: diagonal), self, zero)
    }

    /// The matrices of the last two axes with 0 below a diagonal, where the column is less than `diagonal` more than the
    /// row.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for fewer than two axes.
    public consuming func upperTriangle(diagonal: Int = 0) throws(TensorError) -> AnyTensor {
        let (rows, columns) = try matrixDimensions(of: "upperTriangle")
        let zero = try AnyTensor.zeros(.scalar, dtype: dtype)
        let below = diagonal == .min ? diagonal : diagonal - 1
        return try AnyTensor.select(.triangle(rows, columns, diagonal: below), zero, self)
    }

    private func matrixDimensions(of operation: StaticString) throws(TensorError) -> (Int, Int) {
        guard rank >= 2 else { throw TensorError(.shapeMismatch, "\(operation): \(shape) has fewer than two axes") }
        return (shape[rank - 2], shape[rank - 1])
    }

    /// 1 in the place that each index names along a new last axis of length `depth`, 0 elsewhere: `[…]` gives
    /// `[…, depth]`.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that is not in `0..<depth`,
    ///   ``TensorError/Code/dtypeMismatch`` unless the indices are int32 or int64, ``TensorError/Code/outOfMemory``.
    public consuming func oneHot(depth: Int, dtype: DType = .float32) throws(TensorError) -> AnyTensor {
        try type.requireIndices(in: "oneHot")
        let shape = try Shape(Array(self.shape) + [depth])
        if isAbstract { return .abstract(shape: shape, dtype: dtype) }
        let places = try self.withoutTrace().normalizedIndices(below: depth, fromTheBack: false, in: "oneHot")
            .expandingDimensions(at: -1)
        let one = try AnyTensor.ones(.scalar, dtype: dtype)
        return try AnyTensor.zeros(shape, dtype: dtype).scattering(one, along: -1, places)
    }

    /// Vectors as the coordinates of a grid: as many tensors, of one shape with an axis for each, of which each varies
    /// along its own axis. With `isMatrixOrder` axis `i` is that of vector `i`; without, as pictures are addressed, the
    /// first two are exchanged (NumPy's "ij" and "xy"). Views without copies.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for what is no vector, ``TensorError/Code/rankTooLarge``,
    ///   ``TensorError/Code/outOfMemory``.
    public static func meshgrid(
        _ vectors: [AnyTensor], isMatrixOrder: Bool = true
    ) throws(TensorError) -> [AnyTensor] {
        var order = Array(vectors.indices)
        if !isMatrixOrder, order.count >= 2 { order.swapAt(0, 1) }
        for vector in vectors where vector.rank != 1 {
            throw TensorError(.shapeMismatch, "meshgrid: \(vector.shape) is no vector")
        }
        let shape = try Shape(order.map { vectors[$0].elementCount })
        var grids: [AnyTensor] = []
        for (index, vector) in vectors.enumerated() {
            var column = Array(repeating: 1, count: vectors.count)
            column[order.firstIndex(of: index)!] = vector.elementCount
            grids.append(try vector.reshaped(to: Shape(column)).broadcast(to: shape))
        }
        return grids
    }
}

extension Tensor {
    /// A matrix that is 1 (or true) on a diagonal and 0 elsewhere: where the column is `diagonal` more than the row.
    public static func eye(_ rows: Int, _ columns: Int, diagonal: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try .eye(rows, columns, diagonal: diagonal, dtype: Scalar.dtype) }
    }

    /// The identity matrix of `size` rows.
    public static func identity(_ size: Int) -> Tensor { eye(size, size) }

    /// Vectors as the coordinates of a grid: as many tensors, of which each varies along its own axis. Views without
    /// copies.
    public static func meshgrid(_ vectors: [Tensor], isMatrixOrder: Bool = true) -> [Tensor] {
        trapping { () throws(TensorError) in
            try AnyTensor.meshgrid(vectors.map(\.core), isMatrixOrder: isMatrixOrder)
        }.map(Tensor.init(known:))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The matrices of the last two axes with 0 above a diagonal.
    public consuming func lowerTriangle(diagonal: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().lowerTriangle(diagonal: diagonal) }
    }

    /// The matrices of the last two axes with 0 below a diagonal.
    public consuming func upperTriangle(diagonal: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().upperTriangle(diagonal: diagonal) }
    }
}

extension Tensor where Scalar == Bool {
    /// A matrix that is true on and below a diagonal, and false above.
    public static func triangle(_ rows: Int, _ columns: Int, diagonal: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try .triangle(rows, columns, diagonal: diagonal) }
    }
}

extension Tensor where Scalar: IndexTensorScalar {
    /// 1 in the place that each index names along a new last axis of length `depth`, 0 elsewhere. Traps for an index
    /// that is not in `0..<depth`.
    public consuming func oneHot<Value: TensorScalar>(
        depth: Int, as type: Value.Type = Value.self
    ) -> Tensor<Value> {
        Tensor<Value> { () throws(TensorError) in try self.core.take().oneHot(depth: depth, dtype: Value.dtype) }
    }
}
