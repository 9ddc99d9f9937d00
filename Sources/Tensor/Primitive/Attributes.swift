/// What an application of a primitive says beside its operands.
package enum Attributes: Sendable {
    case none
    /// The axes that a reduction runs over, and whether they stay with length 1.
    case reduction(AxisSet, keepsDimensions: Bool)
    /// As ``reduction(_:keepsDimensions:)``, with a number that the operation needs: a correction, a norm's order.
    case reductionBy(Double, AxisSet, keepsDimensions: Bool)
    /// As ``reduction(_:keepsDimensions:)``, with the type of the result.
    case reductionTo(DType, AxisSet, keepsDimensions: Bool)
    /// The direction in which an operation along the last axis sorts.
    case order(descending: Bool)
    /// The first `count` along the last axis in that direction.
    case leading(count: Int, descending: Bool)
    /// A place between the smallest (0) and the largest (1) along the last axis.
    case quantile(Double)
    /// One axis: concatenation, argmax.
    case axis(Int)
    /// The shape of the result: reshape, broadcast.
    case shape(Shape)
    /// Axis `i` of the result is axis `order[i]` of the operand.
    case permutation(AxisValues)
    /// A range with a step on each axis of a whole. Boxed, so that the other cases, which every application copies, stay
    /// small.
    indirect case bounds(SliceBounds, whole: Shape)
    /// A diagonal or windows of a whole. Boxed for the same reason.
    indirect case view(StridedView, whole: Shape)
    /// The number of rows of a scatter's result.
    case rowCount(Int)
    case comparison(Comparison)
    case dtype(DType)
    /// What a factorisation of matrices is asked for.
    case factorization(FactorizationOptions)
    /// ε, and the number of last axes that a row has, or of groups of channels.
    case normalization(epsilon: Double, extent: Int)
    indirect case convolution(ConvolutionGeometry)
    indirect case pooling(PoolingGeometry)
    case attention(scale: Double, isCausal: Bool)
}

extension Attributes {
    /// What a reduction of any kind runs over.
    var reduced: (axes: AxisSet, keepsDimensions: Bool) {
        switch self {
        case .reduction(let axes, let keepsDimensions), .reductionBy(_, let axes, let keepsDimensions),
            .reductionTo(_, let axes, let keepsDimensions):
            (axes, keepsDimensions)
        default: preconditionFailure("no axes to reduce")
        }
    }
}
