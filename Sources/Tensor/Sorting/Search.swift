import CTensorKernels

/// Which place ``AnyTensor/searchSorted(_:side:)`` gives where a value equals boundaries.
public enum SearchSide: Sendable, Hashable {
    /// Before all that equal it: how many boundaries are less.
    case left
    /// After all that equal it: how many are not greater.
    case right
}

extension Primitive {
    /// How many boundaries come before each value, as int32.
    package static let searchSorted: Primitive = Primitive(
        id: 8007, name: "searchSorted",
        .binary(
            rule: { boundaries, values, _ throws(TensorError) in
                try boundaries.requireSameType(as: values, in: "searchSorted")
                guard boundaries.shape.rank == 1 else {
                    throw TensorError(.shapeMismatch, "searchSorted: boundaries of shape \(boundaries.shape), not [n]")
                }
                try boundaries.requireNarrowRows(in: "searchSorted")
                return TensorType(.int32, values.shape)
            },
            kernel: { boundaries, values, attributes, type throws(TensorError) in
                guard case .leading(_, let takesEqual) = attributes else { preconditionFailure("no side") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let packed = (boundaries: try boundaries.contiguous(), values: try values.contiguous())
                defer { extendLifetime(packed) }
                // Safe: the result has a place for each of the contiguous values.
                let hasSearched = unsafe mw_search_sorted(
                    values.dtype.kernel, takesEqual, boundaries.elementCount,
                    packed.boundaries.firstByte, values.elementCount, result.elements(),
                    packed.values.firstByte)
                return try result.unlessMemoryLacks(hasSearched, in: "searchSorted")
            }),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// For each of `values`, of any shape, the place among this tensor's elements (`[n]`, in ascending order) before which
    /// it belongs, as int32: 0 before the first, n after the last. NaN is greater than every number. O(log n) for each.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless this tensor has one axis, ``TensorError/Code/dtypeMismatch``,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func searchSorted(
        _ values: consuming AnyTensor, side: SearchSide = .left
    ) throws(TensorError) -> AnyTensor {
        try Primitive.searchSorted.apply(&self, &values, .leading(count: 0, descending: side == .right))
    }
}

extension Tensor {
    /// For each of `values` the place among this tensor's elements (`[n]`, in ascending order) before which it belongs.
    public consuming func searchSorted(_ values: consuming Tensor, side: SearchSide = .left) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in
            try self.core.take().searchSorted(values.core.take(), side: side)
        }
    }
}
