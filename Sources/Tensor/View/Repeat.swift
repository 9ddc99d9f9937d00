// Copies that repeat or move elements, made of views and one packing copy.

extension AnyTensor {
    /// Tensors of one shape along a new axis, which has this place in the result; −1 makes it the last.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` where the shapes differ or there are no tensors,
    ///   ``TensorError/Code/dtypeMismatch``, ``TensorError/Code/indexOutOfRange``, ``TensorError/Code/rankTooLarge``.
    public static func stack(_ tensors: consuming [AnyTensor], axis: Int = 0) throws(TensorError) -> AnyTensor {
        guard let first = tensors.first else { throw TensorError(.shapeMismatch, "stack: no tensors") }
        let shape = first.shape
        let position = try AxisSet.position(of: axis, rank: shape.rank + 1, of: "stack")
        for index in tensors.indices {
            guard tensors[index].shape == shape else {
                throw TensorError(.shapeMismatch, "stack: \(shape) and \(tensors[index].shape) differ")
            }
            tensors[index] = try tensors[index].take().expandingDimensions(at: position)
        }
        return try .concatenate(tensors, axis: position)
    }

    /// The whole tensor side by side with itself, as often as `counts` says for each axis. Counts for fewer axes are
    /// those of the last ones; more counts than axes add axes in front.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a negative count, ``TensorError/Code/rankTooLarge``,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func tiled(_ counts: [Int]) throws(TensorError) -> AnyTensor {
        guard counts.allSatisfy({ $0 >= 0 }) else {
            throw TensorError(.shapeMismatch, "tiled: counts \(counts) of \(shape)")
        }
        let rank = Swift.max(self.rank, counts.count)
        var result = try self.reshaped(to: Shape(Array(repeating: 1, count: rank - self.rank) + Array(shape)))
        // From the last axis on: the copies are short until the first axis makes the whole.
        for (axis, count) in zip(rank - counts.count..<rank, counts).reversed() where count != 1 {
            let shape = result.shape
            let target = try shape.replacing(axis: axis, with: Self.product(shape[axis], count, in: "tiled", of: shape))
            let outer = shape.prefix(axis).reduce(1, *)
            let inner = shape.dropFirst(axis).reduce(1, *)
            result = try result.reshaped(to: Shape([outer, 1, inner])).broadcast(to: Shape([outer, count, inner]))
                .reshaped(to: target)
        }
        return result
    }

    /// Each place of an axis `count` times, one after the other: `[1, 2]` twice is `[1, 1, 2, 2]`.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a negative count, ``TensorError/Code/indexOutOfRange``,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func repeating(_ count: Int, axis: Int) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "repeating")
        guard count >= 0 else {
            throw TensorError(.shapeMismatch, "repeating: \(count) times axis \(axis) of \(shape)")
        }
        let target = try shape.replacing(
            axis: axis, with: Self.product(shape[axis], count, in: "repeating", of: shape))
        let outer = shape.prefix(axis + 1).reduce(1, *)
        let inner = shape.dropFirst(axis + 1).reduce(1, *)
        return try self.reshaped(to: Shape([outer, 1, inner])).broadcast(to: Shape([outer, count, inner]))
            .reshaped(to: target)
    }

    /// Each place of an axis as often as its count says.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for a negative count, or unless there is one for each place;
    ///   ``TensorError/Code/indexOutOfRange``.
    public consuming func repeating(_ counts: [Int], axis: Int) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let axis = try AxisSet.position(of: axis, rank: shape.rank, of: "repeating")
        guard counts.count == shape[axis], counts.allSatisfy({ $0 >= 0 }) else {
            throw TensorError(.shapeMismatch, "repeating: counts \(counts) for axis \(axis) of \(shape)")
        }
        var total = 0
        for count in counts {
            let (sum, overflow) = total.addingReportingOverflow(count)
            guard !overflow else {
                throw TensorError(.outOfMemory, "repeating: counts \(counts) of \(shape) cannot be addressed")
            }
            total = sum
        }
        _ = try shape.replacing(axis: axis, with: total)
        var (place, end) = (-1, 0)
        let places = try AnyTensor.filled(Shape([total])) { index -> Int64 in
            while index == end {
                place += 1
                end += counts[place]
            }
            return Int64(place)
        }
        return try self.taking(places, axis: axis)
    }

    /// The elements moved `shift` places towards the end of an axis; those that would leave it come in at its front.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks.
    public consuming func rolled(_ shift: Int, axis: Int) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "rolled")
        let length = shape[axis]
        let moved = length == 0 ? 0 : shift % length < 0 ? shift % length + length : shift % length
        let whole = self
        if moved == 0 { return whole }
        let parts = [
            try whole.sliced(axis: axis, length - moved..<length), try whole.sliced(axis: axis, 0..<length - moved),
        ]
        return try .concatenate(parts, axis: axis)
    }

    private static func product(
        _ length: Int, _ count: Int, in operation: StaticString, of shape: Shape
    ) throws(TensorError) -> Int {
        let (product, overflow) = length.multipliedReportingOverflow(by: count)
        guard !overflow else {
            throw TensorError(.outOfMemory, "\(operation): \(count) times \(shape) cannot be addressed")
        }
        return product
    }
}

extension Tensor {
    /// Tensors of one shape along a new axis, which has this place in the result; −1 makes it the last.
    public static func stack(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
        Tensor { () throws(TensorError) in try .stack(tensors.map(\.core), axis: axis) }
    }

    /// The whole tensor side by side with itself, as often as `counts` says for each axis. Counts for fewer axes are
    /// those of the last ones; more counts than axes add axes in front.
    public consuming func tiled(_ counts: [Int]) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().tiled(counts) }
    }

    /// Each place of an axis `count` times, one after the other: `[1, 2]` twice is `[1, 1, 2, 2]`.
    public consuming func repeating(_ count: Int, axis: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().repeating(count, axis: axis) }
    }

    /// Each place of an axis as often as its count says.
    public consuming func repeating(_ counts: [Int], axis: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().repeating(counts, axis: axis) }
    }

    /// The elements moved `shift` places towards the end of an axis; those that would leave it come in at its front.
    public consuming func rolled(_ shift: Int, axis: Int) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().rolled(shift, axis: axis) }
    }
}
