extension AnyTensor {
    /// The elements, or slices, that tuples of indices name, one index for each of the first axes:
    /// `result[p, …] = self[i₁[p], i₂[p], …, …]`. The index tensors broadcast to one shape; an index may be counted from
    /// the back. What NumPy writes as `x[i, j]` with arrays, and ONNX as GatherND.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that names no place,
    ///   ``TensorError/Code/shapeMismatch`` for no indices, more than there are axes, or shapes that do not broadcast,
    ///   ``TensorError/Code/dtypeMismatch`` unless the indices are int32 or int64.
    public consuming func taking(tuples indices: [AnyTensor]) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let tuples = try IndexTuples(indices, in: shape, of: "taking tuples")
        return try self.reshaped(to: tuples.flattened(shape)).taking(tuples.rows)
    }

    /// This tensor with elements, or slices, of `source` at the places that tuples of indices name, one index for each
    /// of the first axes: `result[i₁[p], i₂[p], …, …] ∘= source[p, …]`. The source is broadcast to the indices' shape and
    /// the remaining axes. What NumPy writes as `x[i, j] = source` with arrays, and ONNX as ScatterND.
    ///
    /// All indices are checked before anything is written. In place where nothing else refers to the storage.
    ///
    /// - Throws: as ``taking(tuples:)``; ``TensorError/Code/dtypeMismatch`` for different element types, or arithmetic on
    ///   bools.
    public consuming func scattering(
        _ source: consuming AnyTensor, tuples indices: [AnyTensor], mode: ScatterMode = .set
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let tuples = try IndexTuples(indices, in: shape, of: mode.primitive.name)
        let flat = try tuples.flattened(shape)
        let count = tuples.rows.elementCount
        let slices = try source.broadcast(to: Shape(Array(tuples.rows.shape) + shape.dropFirst(tuples.axes)))
            .reshaped(to: flat.replacing(axis: 0, with: count))
        return try self.reshaped(to: flat)
            .scattering(slices: slices, at: tuples.rows.reshaped(to: Shape([count])), mode: mode)
            .reshaped(to: shape)
    }
}

extension Tensor {
    /// The elements, or slices, that tuples of indices name, one index for each of the first axes:
    /// `result[p, …] = self[i₁[p], i₂[p], …, …]`. Traps for an index that names no place.
    public consuming func taking<Index: IndexTensorScalar>(tuples indices: [Tensor<Index>]) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().taking(tuples: indices.map(\.core)) }
    }

    /// This tensor with elements, or slices, of `source` at the places that tuples of indices name, one index for each
    /// of the first axes. Traps for an index that names no place.
    public consuming func scattering<Index: IndexTensorScalar>(
        _ source: consuming Tensor, tuples indices: [Tensor<Index>], mode: ScatterMode = .set
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().scattering(source.core.take(), tuples: indices.map(\.core), mode: mode)
        }
    }
}

/// Tuples of indices, folded to one index of the first axes made flat.
private struct IndexTuples {
    /// The folded indices: int64, of the shape that the index tensors broadcast to.
    let rows: AnyTensor
    /// How many axes a tuple names.
    let axes: Int

    init(_ indices: [AnyTensor], in shape: Shape, of operation: StaticString) throws(TensorError) {
        guard let first = indices.first, indices.count <= shape.rank else {
            throw TensorError(
                .shapeMismatch, "\(operation): \(indices.count) index tensors for a tensor of shape \(shape)")
        }
        axes = indices.count
        var common = first.shape
        for index in indices {
            try index.type.requireIndices(in: operation)
            common = try Shape.broadcast(common, index.shape, in: operation)
        }
        guard !indices.contains(where: \.isAbstract) else {
            rows = .abstract(shape: common, dtype: .int64)
            return
        }
        var folded = [Int64](repeating: 0, count: common.elementCount)
        for (axis, index) in indices.enumerated() {
            let places = try index.withoutTrace().broadcast(to: common)
                .normalizedIndices(below: shape[axis], fromTheBack: true, in: operation)
                .scalars(as: Int64.self)
            let dimension = Int64(shape[axis])
            for position in folded.indices { folded[position] = folded[position] &* dimension &+ places[position] }
        }
        rows = try AnyTensor(folded, shape: common)
    }

    /// A shape with the named axes made one.
    func flattened(_ shape: Shape) throws(TensorError) -> Shape {
        try Shape([shape.prefix(axes).reduce(1, *)] + shape.dropFirst(axes))
    }
}
