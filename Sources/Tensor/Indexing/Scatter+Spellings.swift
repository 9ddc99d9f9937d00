/// How an element that is scattered meets the one in its place. Repeated indices meet in the row-major order of the
/// source.
public enum ScatterMode: Sendable, Hashable, CaseIterable {
    /// It takes the place; the last one stays.
    case set
    /// It is added; integers wrap around.
    case add
    /// It is multiplied with.
    case multiply
    /// The larger one stays, or NaN.
    case maximum
    /// The smaller one stays, or NaN.
    case minimum

    /// The primitive of this mode.
    var primitive: Primitive {
        switch self {
        case .set: .scatter
        case .add: .scatterAdd
        case .multiply: .scatterMultiply
        case .maximum: .scatterMaximum
        case .minimum: .scatterMinimum
        }
    }
}

extension AnyTensor {
    /// This tensor with elements of `source` at the places that the indices name along `axis`:
    /// `result[…, indices[…, i, …], …] ∘= source[…, i, …]`. Source and indices have one shape, which but for the axis is
    /// this tensor's; a source of fewer axes is broadcast. An index may be counted from the back.
    ///
    /// All indices are checked before anything is written. In place where nothing else refers to the storage.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that names no place, or an axis that the tensor
    ///   lacks; ``TensorError/Code/shapeMismatch``; ``TensorError/Code/dtypeMismatch`` for different element types,
    ///   indices other than int32 and int64, or arithmetic on bools.
    public consuming func scattering(
        _ source: consuming AnyTensor, along axis: Int, _ indices: consuming AnyTensor, mode: ScatterMode = .set
    ) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: mode.primitive.name)
        if source.shape != indices.shape { source = try source.broadcast(to: indices.shape) }
        return try mode.primitive.apply(&self, &indices, &source, .axis(axis))
    }

    /// This tensor with slices of `source` at the places of `axis` that a vector of indices names:
    /// `result[…, indices[i], …] ∘= source[…, i, …]`. The source broadcasts to this tensor's shape with as many places
    /// on the axis as there are indices.
    ///
    /// - Throws: as ``scattering(_:along:_:mode:)``.
    public consuming func scattering(
        slices source: consuming AnyTensor, at indices: consuming AnyTensor, axis: Int = 0, mode: ScatterMode = .set
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: mode.primitive.name)
        guard indices.rank == 1 else {
            throw TensorError(
                .shapeMismatch, "\(mode.primitive.name): indices of shape \(indices.shape) are no vector")
        }
        indices = try indices.repeated(along: axis, of: shape)
        source = try source.broadcast(to: indices.shape)
        return try mode.primitive.apply(&self, &indices, &source, .axis(axis))
    }
}

extension Tensor {
    /// This tensor with elements of `source` at the places that the indices name along `axis`:
    /// `result[…, indices[…, i, …], …] ∘= source[…, i, …]`. Traps for an index that names no place: indices from data
    /// belong to ``AnyTensor/scattering(_:along:_:mode:)``.
    public consuming func scattering<Index: IndexTensorScalar>(
        _ source: consuming Tensor, along axis: Int, _ indices: consuming Tensor<Index>, mode: ScatterMode = .set
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().scattering(source.core.take(), along: axis, indices.core, mode: mode)
        }
    }

    /// This tensor with slices of `source` at the places of `axis` that a vector of indices names. Traps for an index
    /// that names no slice.
    public consuming func scattering<Index: IndexTensorScalar>(
        slices source: consuming Tensor, at indices: consuming Tensor<Index>, axis: Int = 0, mode: ScatterMode = .set
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().scattering(slices: source.core.take(), at: indices.core, axis: axis, mode: mode)
        }
    }
}
