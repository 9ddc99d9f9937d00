import CTensorKernels

/// A binary operation for the most frequent case, two contiguous operands of one type, without the rule and the walk: half
/// the time of a small sum.
struct Pairwise: Sendable {
    let operation: mw_binary_operation
    let allowed: DTypeSet

    /// The result, in the storage of an operand that allows it; nil in every other case, mistakes among them.
    func apply(_ left: inout AnyTensor, _ right: inout AnyTensor) throws(TensorError) -> AnyTensor? {
        guard
            left.dtype == right.dtype, allowed.contains(left.dtype), left.layout.shape == right.layout.shape,
            left.layout.isContiguous, right.layout.isContiguous
        else { return nil }
        var count = left.layout.elementCount
        var stride = 1
        if left.ownsStorage() {
            // Safe: the storage holds exactly these elements, and nothing else reads them; so below.
            unsafe compute(&count, &stride, left.firstByte, left, right)
            return left.take()
        }
        if right.ownsStorage() {
            unsafe compute(&count, &stride, right.firstByte, left, right)
            return right.take()
        }
        let storage = try Storage(byteCount: count &* left.dtype.byteWidth)
        unsafe compute(&count, &stride, storage.base, left, right)
        return AnyTensor(storage, layout: left.layout, dtype: left.dtype)
    }

    @inline(__always)
    private func compute(
        _ count: inout Int, _ stride: inout Int, _ out: UnsafeMutableRawPointer, _ left: borrowing AnyTensor,
        _ right: borrowing AnyTensor
    ) {
        // Safe: all three hold `count` elements of the type; the two numbers outlive the call.
        unsafe mw_active_kernels().pointee.elementwise.binary(
            operation, left.dtype.kernel, 1, &count, out, left.firstByte, &stride, right.firstByte, &stride)
    }
}
