import CTensorKernels

extension Primitive {
    /// The places, as int32, of the elements that a stable sort puts first along the last axis.
    package static let leadingPlaces: Primitive = Primitive(
        id: 8002, name: "topK",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .leading(let count, _) = attributes else { preconditionFailure("no count") }
                try type.requireNarrowRows(in: "topK")
                let last = type.shape.rank - 1
                guard count >= 0, count <= type.shape[last] else {
                    throw TensorError(.indexOutOfRange, "topK: \(count) of the \(type.shape[last]) along the axis")
                }
                return TensorType(.int32, try type.shape.replacing(axis: last, with: count))
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .leading(let leading, let descending) = attributes else { preconditionFailure("no count") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let (rows, count) = operand.shape.rows
                let values = try operand.contiguous()
                defer { extendLifetime(values) }
                // Safe: the result has the leading places of each of the contiguous rows.
                let hasSelected = unsafe mw_leading_places(
                    operand.dtype.kernel, descending, rows, count, leading, result.elements(),
                    values.firstByte)
                return try result.unlessMemoryLacks(hasSelected, in: "topK")
            }),
        derivative: .notDifferentiable)

    /// `y[…, j] = x[…, p[…, j]]` for places p that differ along the last axis.
    package static let takePlaces: Primitive = Primitive(
        id: 8003, name: "takePlaces",
        .binary(
            rule: { values, places, _ throws(TensorError) in TensorType(values.dtype, places.shape) },
            kernel: { values, places, _, type throws(TensorError) in
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let (rows, count) = values.shape.rows
                let packed = (values: try values.contiguous(), places: try places.contiguous())
                defer { extendLifetime(packed) }
                // Safe: the places are those of the contiguous rows' own elements.
                unsafe mw_take_places(
                    type.dtype.byteWidth, rows, count, type.shape.rows.width, result.firstByte,
                    packed.values.firstByte, packed.places.elements())
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.spreadPlaces.applied(
                    to: cotangent, step.operands[1], .rowCount(step.operand.shape.rows.width))
            },
            .constant,
        ]))

    /// `y[…, p[…, j]] = x[…, j]` for places p that differ along the last axis, and 0 elsewhere: the adjoint of
    /// ``takePlaces``.
    package static let spreadPlaces: Primitive = Primitive(
        id: 8004, name: "spreadPlaces",
        .binary(
            rule: { values, _, attributes throws(TensorError) in
                guard case .rowCount(let count) = attributes else { preconditionFailure("no count") }
                return TensorType(
                    values.dtype, try values.shape.replacing(axis: values.shape.rank - 1, with: count))
            },
            kernel: { values, places, _, type throws(TensorError) in
                let result = try AnyTensor.zeros(type.shape, dtype: type.dtype)
                let (rows, count) = type.shape.rows
                let packed = (values: try values.contiguous(), places: try places.contiguous())
                defer { extendLifetime(packed) }
                // Safe: the places are those of the result's own elements.
                unsafe mw_spread_places(
                    type.dtype.byteWidth, rows, count, values.shape.rows.width, result.firstByte,
                    packed.values.firstByte, packed.places.elements())
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.takePlaces.applied(to: cotangent, step.operands[1])
            },
            .constant,
        ]))
}

extension AnyTensor {
    /// The `count` largest elements along `axis`, or the smallest, in order, and their places as int32. Of equal elements
    /// the first ones are taken; NaN is taken last, as in a sort. O(n) to select, and a sort of what is selected.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks and for more than its elements,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func topK(
        _ count: Int, axis: Int = -1, largest: Bool = true
    ) throws(TensorError) -> (values: AnyTensor, indices: AnyTensor) {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "topK")
        let rows = try self.swappingLast(with: axis)
        let places = try Primitive.leadingPlaces.applied(to: rows, .leading(count: count, descending: largest))
        let values = try Primitive.takePlaces.applied(to: rows, places)
        return (try values.swappingLast(with: axis), try places.swappingLast(with: axis))
    }
}

extension Tensor {
    /// The `count` largest elements along `axis`, or the smallest, in order, and their places; NaN is taken last.
    public consuming func topK(
        _ count: Int, axis: Int = -1, largest: Bool = true
    ) -> (values: Tensor, indices: Tensor<Int32>) {
        let found = trapping { () throws(TensorError) in
            try self.core.take().topK(count, axis: axis, largest: largest)
        }
        return (Tensor(known: found.values), Tensor<Int32>(known: found.indices))
    }
}
