extension AnyTensor {
    /// The sum of the products of two vectors' elements: `[k] · [k]` to a scalar.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless both are vectors of one length,
    ///   ``TensorError/Code/dtypeMismatch`` for bools and for two types.
    public consuming func dot(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        guard rank == 1, other.rank == 1, shape == other.shape else {
            throw TensorError(.shapeMismatch, "dot: \(shape) and \(other.shape) are not two vectors of one length")
        }
        return try self.matmul(other)
    }

    /// The sum of the products of all elements of two tensors of as many elements, in row-major order.
    ///
    /// - Throws: as ``dot(_:)``.
    public consuming func flatDot(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        guard elementCount == other.elementCount else {
            throw TensorError(.shapeMismatch, "flatDot: \(shape) and \(other.shape) differ in their number of elements")
        }
        let flat = try Shape([elementCount])
        return try self.reshaped(to: flat).matmul(other.reshaped(to: flat))
    }

    /// The sums of products along an axis: both tensors broadcast, and the axis vanishes from the result.
    ///
    /// - Parameter axis: Counted from the back, −1 is the last: the same axis of both before they broadcast.
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/indexOutOfRange`` for an axis that is not
    ///   negative or that one of them lacks, ``TensorError/Code/dtypeMismatch``.
    public consuming func vectorDot(_ other: consuming AnyTensor, axis: Int = -1) throws(TensorError) -> AnyTensor {
        guard axis < 0, axis >= -Swift.min(rank, other.rank) else {
            throw TensorError(
                .indexOutOfRange, "vectorDot: axis \(axis) of \(shape) and \(other.shape); axes count from the back")
        }
        let (left, right) = (try self.movingToEnd(axis), try other.movingToEnd(axis))
        guard left.shape[left.rank - 1] == right.shape[right.rank - 1] else {
            throw TensorError(.shapeMismatch, "vectorDot: \(left.shape) and \(right.shape) differ in their last axis")
        }
        let length = left.shape[left.rank - 1]
        let row = try left.reshaped(to: Shape(left.shape.dropLast() + [1, length]))
        let column = try right.reshaped(to: Shape(right.shape + [1]))
        let product = try row.matmul(column)
        return try product.reshaped(to: product.shape.batch)
    }

    /// This axis as the last; the others keep their order.
    private consuming func movingToEnd(_ axis: Int) throws(TensorError) -> AnyTensor {
        let position = axis + rank
        if position == rank - 1 { return self }
        return try self.transposed((0..<rank).filter { $0 != position } + [position])
    }

    /// The products of each element of one tensor with each of another, both read row-major: `[m]` and `[n]` to `[m,
    /// n]`.
    ///
    /// - Throws: as the product of tensors.
    public consuming func outer(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        let (rows, columns) = (elementCount, other.elementCount)
        return try self.reshaped(to: Shape([rows, 1])) * other.reshaped(to: Shape([1, columns]))
    }

    /// The sums of products over the last axis of both: `[a…, k]` and `[b…, k]` to `[a…, b…]`. A scalar multiplies the
    /// other tensor.
    ///
    /// - Throws: as ``matmul(_:)``.
    public consuming func inner(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        if rank == 0 || other.rank == 0 { return try self * other }
        return try self.tensorDot(other, axes: [-1], [-1])
    }

    /// The Kronecker product: each element of this tensor times all of the other, block by block. `[m, n]` and `[p, q]`
    /// give `[m · p, n · q]`; missing axes on the left count as 1, and there are at most four.
    ///
    /// - Throws: ``TensorError/Code/rankTooLarge`` for more axes, and as the product of tensors.
    public consuming func kron(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        let count = Swift.max(rank, other.rank)
        let left = Array(repeating: 1, count: count - rank) + shape
        let right = Array(repeating: 1, count: count - other.rank) + other.shape
        let blocks = try Shape(left.flatMap { [$0, 1] })
        let inside = try Shape(right.flatMap { [1, $0] })
        let product = try self.reshaped(to: blocks) * other.reshaped(to: inside)
        return try product.reshaped(to: Shape(zip(left, right).map { $0 * $1 }))
    }

    /// The cross product of the vectors of three elements along an axis; the other axes broadcast.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the axis has length 3 in both,
    ///   ``TensorError/Code/indexOutOfRange`` for an axis that one of them lacks, and as the product of tensors.
    public consuming func cross(_ other: consuming AnyTensor, axis: Int = -1) throws(TensorError) -> AnyTensor {
        let whole = try Shape.broadcast(shape, other.shape, in: "cross")
        let axis = try AxisSet.position(of: axis, rank: whole.rank, of: "cross") - whole.rank
        guard -axis <= Swift.min(rank, other.rank), shape[rank + axis] == 3, other.shape[other.rank + axis] == 3 else {
            throw TensorError(
                .shapeMismatch, "cross: \(shape) and \(other.shape) do not have 3 elements on axis \(axis)")
        }
        let (left, right) = (self, other)
        var components: [AnyTensor] = []
        for component in 0..<3 {
            let (next, last) = ((component + 1) % 3, (component + 2) % 3)
            let first = try left.sliced(axis: axis, next..<next + 1) * right.sliced(axis: axis, last..<last + 1)
            let second = try left.sliced(axis: axis, last..<last + 1) * right.sliced(axis: axis, next..<next + 1)
            components.append(try first - second)
        }
        return try AnyTensor.concatenate(components, axis: axis)
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of the products of two vectors' elements: `[k] · [k]` to a scalar.
    public consuming func dot(_ other: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().dot(other.core.take()) }
    }

    /// The sum of the products of all elements of two tensors of as many elements, in row-major order.
    public consuming func flatDot(_ other: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().flatDot(other.core.take()) }
    }

    /// The sums of products along an axis, counted from the back; both tensors broadcast, and the axis vanishes.
    public consuming func vectorDot(_ other: consuming Tensor, axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().vectorDot(other.core.take(), axis: axis) }
    }

    /// The products of each element of one tensor with each of another, both read row-major: `[m]` and `[n]` to `[m,
    /// n]`.
    public consuming func outer(_ other: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().outer(other.core.take()) }
    }

    /// The sums of products over the last axis of both: `[a…, k]` and `[b…, k]` to `[a…, b…]`. A scalar multiplies the
    /// other tensor.
    public consuming func inner(_ other: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().inner(other.core.take()) }
    }

    /// The Kronecker product: `[m, n]` and `[p, q]` give `[m · p, n · q]`.
    public consuming func kron(_ other: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().kron(other.core.take()) }
    }

    /// The cross product of the vectors of three elements along an axis; the other axes broadcast.
    public consuming func cross(_ other: consuming Tensor, axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().cross(other.core.take(), axis: axis) }
    }
}
