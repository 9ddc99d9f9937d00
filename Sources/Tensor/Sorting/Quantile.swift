import CTensorKernels

extension Primitive {
    /// The element at one place of each row's order along the last axis; the cotangent goes back to where it came from.
    package static let kthSmallest: Primitive = Primitive(
        id: 8005, name: "kthSmallest",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .leading(let place, _) = attributes else { preconditionFailure("no place") }
                let count = type.shape.rows.width
                guard place >= 0, place < count else {
                    throw TensorError(.indexOutOfRange, "kthSmallest: \(place) of the \(count) along the axis")
                }
                return TensorType(type.dtype, type.shape.withoutLastAxis)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .leading(let place, _) = attributes else { preconditionFailure("no place") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let (rows, count) = operand.shape.rows
                let values = try operand.contiguous()
                defer { extendLifetime(values) }
                // Safe: the result has an element for each of the contiguous rows, which have that place.
                let hasSelected = unsafe mw_select(
                    type.dtype.kernel, rows, count, place, result.firstByte, values.firstByte)
                return try result.unlessMemoryLacks(hasSelected, in: "kthSmallest")
            }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                guard case .leading(let place, _) = step.attributes else { preconditionFailure("no place") }
                return try step.operands[0].returning([(place, cotangent)])
            }
        ]))

    /// The value between the elements of each row's order along the last axis; the cotangent goes back to the two that it
    /// lies between, in parts by its distance.
    package static let quantile: Primitive = Primitive(
        id: 8006, name: "quantile",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard type.dtype.isFloatingPoint else {
                    throw TensorError(.dtypeMismatch, "quantile: not defined for \(type)")
                }
                guard type.shape.rows.width > 0 else {
                    throw TensorError(.shapeMismatch, "quantile: \(type.shape) has no elements along the axis")
                }
                return TensorType(type.dtype, type.shape.withoutLastAxis)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .quantile(let quantile) = attributes else { preconditionFailure("no quantile") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let (rows, count) = operand.shape.rows
                let values = try operand.contiguous()
                defer { extendLifetime(values) }
                // Safe: the result has an element for each of the contiguous rows, which are not empty.
                let hasSelected = unsafe mw_quantile(
                    type.dtype.kernel, quantile, rows, count, result.firstByte, values.firstByte)
                return try result.unlessMemoryLacks(hasSelected, in: "quantile")
            }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                guard case .quantile(let quantile) = step.attributes else { preconditionFailure("no quantile") }
                let position = quantile * Double(step.operand.shape.rows.width - 1)
                let place = Int(position)
                let fraction = position - Double(place)
                let lower = try cotangent * (1 - fraction)
                if fraction == 0 { return try step.operands[0].returning([(place, lower)]) }
                let upper = try cotangent * fraction
                return try step.operands[0].returning([(place, lower), (place + 1, upper)])
            }
        ]))
}

extension AnyTensor {
    /// Zeros in the shape of these rows, but for cotangents of the elements at places of each row's order.
    fileprivate func returning(_ cotangents: [(place: Int, values: AnyTensor)]) throws(TensorError) -> AnyTensor {
        let order = try Primitive.argsort.applied(to: self.withoutTrace(), .order(descending: false))
        var values: [AnyTensor] = []
        var places: [AnyTensor] = []
        for (place, cotangent) in cotangents {
            values.append(try cotangent.expandingDimensions(at: -1))
            places.append(try order.sliced(axis: -1, place..<place + 1))
        }
        return try Primitive.spreadPlaces.applied(
            to: AnyTensor.concatenate(values, axis: -1), AnyTensor.concatenate(places, axis: -1),
            .rowCount(shape.rows.width))
    }
}

extension Shape {
    fileprivate var withoutLastAxis: Shape {
        var axes = AxisSet()
        axes.insert(rank - 1)
        return reduced(over: axes, keepsDimensions: false)
    }
}

extension AnyTensor {
    /// The element that ``sorted(axis:descending:)`` would put at `place` (0 is the smallest) along `axis`, which the
    /// result lacks; found in O(n), without sorting.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis or a place that the tensor lacks,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func kthSmallest(_ place: Int, axis: Int = -1) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "kthSmallest")
        var rows = try self.movingLast(axis)
        return try Primitive.kthSmallest.apply(&rows, .leading(count: place, descending: false))
    }

    /// The value below which a part `quantile` (0...1) of the elements lies, along `axis`, which the result lacks, or of
    /// all elements when it is nil. Between two elements the value is interpolated linearly (NumPy's default): for n
    /// elements in order it is at place `quantile · (n − 1)`. NaN where an element is NaN, and between −∞ and ∞. Found in
    /// O(n), without sorting.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks and for a quantile outside 0...1,
    ///   ``TensorError/Code/shapeMismatch`` where there are no elements, ``TensorError/Code/dtypeMismatch`` unless they
    ///   are floats, ``TensorError/Code/outOfMemory``.
    public consuming func quantile(_ quantile: Double, axis: Int? = nil) throws(TensorError) -> AnyTensor {
        guard (0...1).contains(quantile) else {
            throw TensorError(.indexOutOfRange, "quantile: \(quantile) is not in 0...1")
        }
        var rows: AnyTensor
        if let axis {
            rows = try self.movingLast(try AxisSet.position(of: axis, rank: rank, of: "quantile"))
        } else {
            let count = elementCount
            rows = try self.reshaped(to: [count])
        }
        return try Primitive.quantile.apply(&rows, .quantile(quantile))
    }

    /// The middle element along `axis`, or of all elements when it is nil: the mean of the two in the middle of an even
    /// number, NaN where an element is NaN.
    ///
    /// - Throws: as ``quantile(_:axis:)``.
    public consuming func median(axis: Int? = nil) throws(TensorError) -> AnyTensor {
        try self.quantile(0.5, axis: axis)
    }

    /// The same elements with `axis` behind the others, which keep their order.
    private consuming func movingLast(_ axis: Int) throws(TensorError) -> AnyTensor {
        let order = (0..<rank).filter { $0 != axis } + [axis]
        return try self.transposed(order)
    }
}

extension Tensor {
    /// The element that ``sorted(axis:descending:)`` would put at `place` along `axis`, which the result lacks.
    public consuming func kthSmallest(_ place: Int, axis: Int = -1) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().kthSmallest(place, axis: axis) }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The value below which a part `quantile` (0...1) of the elements lies, along `axis` or of all, interpolated linearly.
    public consuming func quantile(_ quantile: Double, axis: Int? = nil) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().quantile(quantile, axis: axis) }
    }

    /// The middle element along `axis`, or of all elements when it is nil.
    public consuming func median(axis: Int? = nil) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().median(axis: axis) }
    }
}
