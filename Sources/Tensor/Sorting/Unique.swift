import CTensorKernels

/// The different elements of a tensor, and where they are: what ``AnyTensor/uniqueElements()`` finds, and of slices
/// ``AnyTensor/uniqueSlices(axis:)``.
public struct UniqueElements: Sendable {
    /// Each element once, in ascending order: `[k]`.
    public let values: AnyTensor
    /// The first place of each in the tensor's row-major order, as int32: `[k]`.
    public let firstPlaces: AnyTensor
    /// The index in ``values`` of each element of the tensor, as int32, in the tensor's shape.
    public let inverse: AnyTensor
    /// How often each is there, as int64: `[k]`.
    public let counts: AnyTensor
}

extension AnyTensor {
    /// The different elements in ascending order, along one axis. Both zeros are one element, shown as the first of them,
    /// and so is every NaN, which is last. O(n) for each digit of the elements' bits.
    ///
    /// - Throws: ``TensorError/Code/valuesUnknown`` for an abstract tensor, as the shape depends on the values,
    ///   ``TensorError/Code/shapeMismatch`` for 2³¹ elements or more, ``TensorError/Code/outOfMemory``.
    public consuming func unique() throws(TensorError) -> AnyTensor {
        try self.uniqueElements().values
    }

    /// The different elements, as ``unique()`` has them, with their first places, their counts, and the way back: the
    /// values at ``UniqueElements/inverse`` are the tensor again.
    ///
    /// - Throws: as ``unique()``.
    public consuming func uniqueElements() throws(TensorError) -> UniqueElements {
        let shape = self.shape
        let count = elementCount
        guard count <= Int(Int32.max) else {
            throw TensorError(.shapeMismatch, "unique: \(type) has places that do not fit int32")
        }
        let row = try self.reshaped(to: [count])
        let packed = try row.contiguous()
        defer { extendLifetime(packed) }
        let firstPlaces = try AnyTensor(uninitialized: [count], dtype: .int32)
        let counts = try AnyTensor(uninitialized: [count], dtype: .int64)
        let inverse = try AnyTensor(uninitialized: shape, dtype: .int32)
        // Safe: each result has an entry for each of the contiguous elements, and there are no more groups than those.
        let groups = unsafe mw_unique(
            packed.dtype.kernel, count, firstPlaces.elements(), counts.elements(), inverse.elements(),
            packed.firstByte)
        guard groups >= 0 else {
            throw TensorError(.outOfMemory, "unique: no memory to work in for \(packed.type)")
        }
        let places = try firstPlaces.sliced(axis: 0, 0..<groups)
        return UniqueElements(
            values: try Primitive.takePlaces.applied(to: row, places), firstPlaces: places, inverse: inverse,
            counts: try counts.sliced(axis: 0, 0..<groups))
    }

    /// The different slices along an axis, in the order of their elements one after the other, with their first places,
    /// counts and the way back along that axis: what `np.unique` does with `axis`. Elements are equal as in ``unique()``.
    /// Sorts as often as a slice has elements, or until no two are equal.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks, otherwise as ``unique()``.
    public func uniqueSlices(axis: Int) throws(TensorError) -> UniqueElements {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "uniqueSlices")
        let count = shape[axis]
        let width = count == 0 ? 0 : elementCount / count
        let columns = try movingAxis(axis, to: 0).reshaped(to: Shape([count, width]))
        // The rank of each slice among those that differ in the columns so far.
        var ranks = try AnyTensor.zeros(Shape([count]), dtype: .int64).uniqueElements()
        for column in 0..<width where ranks.counts.elementCount < count {
            let next = try columns.element(column, axis: 1).uniqueElements()
            let before = try ranks.inverse.cast(to: .int64) * .scalar(Int64(next.counts.elementCount))
            ranks = try (before + next.inverse.cast(to: .int64)).uniqueElements()
        }
        return UniqueElements(
            values: try taking(ranks.firstPlaces, axis: axis), firstPlaces: ranks.firstPlaces,
            inverse: ranks.inverse, counts: ranks.counts)
    }
}

extension Tensor {
    /// The different elements in ascending order, along one axis; every NaN is one element, the last.
    public consuming func unique() -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().unique() }
    }
}
