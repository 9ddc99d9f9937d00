/// A view whose axes are not those of the whole: where several strides move along one axis, or one along several.
package enum StridedView: Sendable, Hashable {
    /// The elements whose places on the axes `second` and `first` differ by `offset`, as a new last axis instead of the
    /// two.
    case diagonal(offset: Int, first: Int, second: Int)
    /// Windows of `size` places of an axis that lie `dilation` apart, each window `step` places after the one before, as a
    /// new last axis; the axis counts the windows.
    case windows(axis: Int, size: Int, step: Int, dilation: Int = 1)

    /// The shape of the view.
    func shape(in whole: Shape) throws(TensorError) -> Shape {
        switch self {
        case .diagonal(let offset, let first, let second):
            let rest = whole.indices.filter { $0 != first && $0 != second }.map { whole[$0] }
            return try Shape(rest + [Self.diagonalLength(offset, rows: whole[first], columns: whole[second])])
        case .windows(let axis, let size, let step, let dilation):
            let count = (whole[axis] - (size - 1) * dilation - 1) / step + 1
            return try Shape(Array(whole.replacing(axis: axis, with: count)) + [size])
        }
    }

    /// The layout of the view, and how far its first element lies from the whole's. The shape has been checked.
    func applied(to whole: Layout, shape: Shape) -> (layout: Layout, offset: Int) {
        var strides = AxisValues(repeating: 0)
        switch self {
        case .diagonal(let offset, let first, let second):
            var axis = 0
            for other in 0..<whole.rank where other != first && other != second {
                strides[axis] = whole.strides[other]
                axis += 1
            }
            strides[axis] = whole.strides[first] &+ whole.strides[second]
            let start = offset < 0 ? (0 &- offset) &* whole.strides[first] : offset &* whole.strides[second]
            return (Layout(shape: shape, strides: strides), shape.elementCount == 0 ? 0 : start)
        case .windows(let axis, _, let step, let dilation):
            strides = whole.strides
            strides[axis] = whole.strides[axis] &* step
            strides[whole.rank] = whole.strides[axis] &* dilation
            return (Layout(shape: shape, strides: strides), 0)
        }
    }

    private static func diagonalLength(_ offset: Int, rows: Int, columns: Int) -> Int {
        // Beyond the corners there is nothing, and no arithmetic that could overflow.
        guard offset > -rows, offset < columns else { return 0 }
        return offset < 0 ? Swift.min(rows + offset, columns) : Swift.min(rows, columns - offset)
    }
}

extension Primitive {
    /// A diagonal or sliding windows: a view.
    package static let stridedView: Primitive = Primitive(
        id: 2_000, name: "stridedView",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .view(let view, let whole) = attributes, whole == type.shape else {
                    preconditionFailure("a view of another shape")
                }
                return TensorType(type.dtype, try view.shape(in: whole))
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .view(let view, _) = attributes else { preconditionFailure("no view") }
                let (layout, offset) = view.applied(to: operand.layout, shape: type.shape)
                operand.layout = layout
                operand.byteOffset += offset &* operand.dtype.byteWidth
                return operand.take()
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                try Primitive.accumulateView.applied(to: cotangent, step.attributes)
            }
        ]))

    /// The operand at the places of a view of a whole that is 0 elsewhere; what falls into one place adds up in the
    /// view's row-major order: the adjoint of ``stridedView``.
    package static let accumulateView: Primitive = Primitive(
        id: 2_001, name: "accumulateView",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .view(let view, let whole) = attributes, try view.shape(in: whole) == type.shape else {
                    preconditionFailure("a view of another shape")
                }
                return TensorType(type.dtype, whole)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .view(let view, _) = attributes else { preconditionFailure("no view") }
                if case .diagonal = view {
                    let whole = try AnyTensor.zeros(type.shape, dtype: type.dtype)
                    let (layout, offset) = view.applied(to: whole.layout, shape: operand.shape)
                    // Safe: the view lies in the whole, which is new.
                    unsafe operand.copyElements(to: whole.firstByte + offset &* type.dtype.byteWidth, layout: layout)
                    return whole
                }
                return try operand.accumulated(in: type, view)
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                try Primitive.stridedView.applied(to: cotangent, step.attributes)
            }
        ]))
}
