import CTensorKernels

/// A binary operation for the most frequent case, two contiguous operands of one type, without the rule and the walk, on
/// which most of a small operation's time goes.
struct Pairwise: Sendable {
    let operation: mw_binary_operation
    let allowed: DTypeSet

    /// Makes `left` the result, in the storage of an operand that allows it, and gives true; in every other case, mistakes
    /// among them, changes nothing and gives false. (What copies of a tensor value cost shows at this size.)
    func apply(_ left: inout AnyTensor, _ right: inout AnyTensor) throws(TensorError) -> Bool {
        guard
            left.dtype == right.dtype, allowed.contains(left.dtype), left.layout.shape == right.layout.shape,
            left.layout.isContiguous, right.layout.isContiguous
        else { return false }
        var count = left.layout.elementCount
        var stride = 1
        // Safe: addresses of the first elements, which the operands keep alive.
        let first = unsafe left.firstByte
        let second = unsafe right.firstByte
        let out: UnsafeMutableRawPointer
        var storage: Storage?
        if left.ownsStorage() {
            unsafe out = first
        } else if right.ownsStorage() {
            unsafe out = second
            storage = right.storage
        } else {
            let new = try Storage(byteCount: count &* left.dtype.byteWidth)
            unsafe out = new.base
            storage = new
        }
        // Safe: all three hold `count` elements of the type, which their storage keeps until after the call; the two
        // numbers outlive it.
        unsafe mw_active_kernels().pointee.elementwise.binary(
            operation, left.dtype.kernel, 1, &count, out, first, &stride, second, &stride)
        if let storage {
            // Either storage holds these elements alone, from its base on.
            left.storage = storage
            left.byteOffset = 0
            right.storage = nil
        }
        return true
    }
}
