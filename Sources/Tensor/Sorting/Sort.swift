import CTensorKernels

extension Primitive {
    /// Each row along the last axis in order. The cotangent goes back to the places that the elements came from.
    package static let sort: Primitive = Primitive(
        id: 8000, name: "sort",
        .unary(
            rule: { type, _ throws(TensorError) in type },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .order(let descending) = attributes else { preconditionFailure("no order") }
                let isInPlace = operand.layout.isContiguous && operand.isReusable(for: type)
                let result = isInPlace ? operand : try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let (rows, count) = type.shape.rows
                let values = try operand.contiguous()
                defer { extendLifetime(values) }
                // Safe: both hold the rows, contiguous, and the function may sort in place.
                let hasSorted = unsafe mw_sort(
                    type.dtype.kernel, descending, rows, count, result.firstByte, values.firstByte)
                return try result.unlessMemoryLacks(hasSorted, in: "sort")
            }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let places = try Primitive.argsort.applied(to: step.operand.withoutTrace(), step.attributes)
                let (_, count) = step.operand.shape.rows
                return try Primitive.spreadPlaces.applied(to: cotangent, places, .rowCount(count))
            }
        ]))

    /// The places, as int32, that a stable sort of each row along the last axis takes its elements from.
    package static let argsort: Primitive = Primitive(
        id: 8001, name: "argsort",
        .unary(
            rule: { type, _ throws(TensorError) in
                try type.requireNarrowRows(in: "argsort")
                return TensorType(.int32, type.shape)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .order(let descending) = attributes else { preconditionFailure("no order") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let (rows, count) = type.shape.rows
                let values = try operand.contiguous()
                defer { extendLifetime(values) }
                // Safe: the result has a place for each element of the contiguous rows.
                let hasSorted = unsafe mw_argsort(
                    operand.dtype.kernel, descending, rows, count, result.elements(),
                    values.firstByte)
                return try result.unlessMemoryLacks(hasSorted, in: "argsort")
            }),
        derivative: .notDifferentiable)
}

extension Shape {
    /// The rows along the last axis, and the elements of each.
    var rows: (count: Int, width: Int) {
        let last = rank - 1
        return ((0..<last).reduce(1) { $0 * self[$1] }, self[last])
    }
}

extension TensorType {
    /// Throws unless an int32 tells every place of a row along the last axis.
    func requireNarrowRows(in operation: StaticString) throws(TensorError) {
        guard shape.rows.width <= Int(Int32.max) else {
            throw TensorError(.shapeMismatch, "\(operation): the axis of \(shape) has places that do not fit int32")
        }
    }
}

extension AnyTensor {
    /// This result, unless the function that should have filled it found no room to work in.
    func unlessMemoryLacks(_ hasMemory: Bool, in operation: StaticString) throws(TensorError) -> AnyTensor {
        guard hasMemory else { throw TensorError(.outOfMemory, "\(operation): no memory to work in for \(type)") }
        return self
    }
}

extension AnyTensor {
    /// The elements along `axis` in ascending order, or in descending order; NaN is last either way, −0 is before +0 in
    /// ascending order, and false is before true. O(n) for each digit of the elements' bits (radix sort).
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that the tensor lacks,
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func sorted(axis: Int = -1, descending: Bool = false) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "sort")
        var rows = try self.swappingLast(with: axis)
        return try Primitive.sort.apply(&rows, .order(descending: descending)).swappingLast(with: axis)
    }

    /// The places along `axis`, as int32, from which ``sorted(axis:descending:)`` takes the elements. Stable: equal
    /// elements keep their order, in either direction, and both zeros are equal here.
    ///
    /// - Throws: as ``sorted(axis:descending:)``; ``TensorError/Code/shapeMismatch`` for an axis of 2³¹ places or more.
    public consuming func argsort(axis: Int = -1, descending: Bool = false) throws(TensorError) -> AnyTensor {
        let axis = try AxisSet.position(of: axis, rank: rank, of: "argsort")
        var rows = try self.swappingLast(with: axis)
        return try Primitive.argsort.apply(&rows, .order(descending: descending)).swappingLast(with: axis)
    }
}

extension Tensor {
    /// The elements along `axis` in ascending order, or in descending order; NaN is last either way.
    public consuming func sorted(axis: Int = -1, descending: Bool = false) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().sorted(axis: axis, descending: descending) }
    }

    /// The places along `axis` from which a stable sort takes the elements; NaN is last.
    public consuming func argsort(axis: Int = -1, descending: Bool = false) -> Tensor<Int32> {
        Tensor<Int32> { () throws(TensorError) in
            try self.core.take().argsort(axis: axis, descending: descending)
        }
    }
}
