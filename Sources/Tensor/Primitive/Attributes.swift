/// What an application of a primitive says beside its operands.
package enum Attributes: Sendable {
    case none
    /// The axes that a reduction runs over, and whether they stay with length 1.
    case reduction(AxisSet, keepsDimensions: Bool)
    /// One axis: concatenation, argmax.
    case axis(Int)
    /// The shape of the result: reshape, broadcast.
    case shape(Shape)
    /// Axis `i` of the result is axis `order[i]` of the operand.
    case permutation(AxisValues)
    /// A range with a step on each axis of a whole. Boxed, so that the other cases, which every application copies, stay
    /// small.
    indirect case bounds(SliceBounds, whole: Shape)
    /// The number of rows of a scatter's result.
    case rowCount(Int)
    case comparison(Comparison)
    case dtype(DType)
    /// What a factorisation of matrices is asked for.
    case factorization(FactorizationOptions)
}
