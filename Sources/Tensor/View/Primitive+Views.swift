extension Primitive {
    /// The same elements in another layout. Their ids are below 100, and 2,000 to 2,999.
    static let allViews: [Primitive] = [
        reshape, transpose, broadcast, slice, embed,
        stridedView, accumulateView, replaceSlice, bitCast,
    ]
}
