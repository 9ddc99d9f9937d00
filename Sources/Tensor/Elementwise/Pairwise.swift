import CTensorKernels

/// A binary operation for the most frequent cases, two contiguous operands of one type and shape or one beside a single
/// number, without the rule and the walk, on which most of a small operation's time goes.
struct Pairwise: Sendable {
    let operation: mw_binary_operation
    let allowed: DTypeSet

    /// Makes `left` the result, in the storage of an operand that allows it, and gives true; in every other case, mistakes
    /// among them, changes nothing and gives false. (What copies of a tensor value cost shows at this size.)
    func apply(_ left: inout AnyTensor, _ right: inout AnyTensor) throws(TensorError) -> Bool {
        guard
            left.dtype == right.dtype, allowed.contains(left.dtype), left.layout.isContiguous,
            right.layout.isContiguous
        else { return false }
        var (leftStride, rightStride) = (1, 1)
        if !left.layout.hasShape(of: right.layout) {
            // A number broadcasts to every shape.
            if right.rank == 0 {
                rightStride = 0
            } else if left.rank == 0 {
                leftStride = 0
            } else {
                return false
            }
        }
        var count = leftStride == 0 ? right.layout.elementCount : left.layout.elementCount
        // Safe: addresses of the first elements, which the operands keep alive.
        let first = unsafe left.firstByte
        let second = unsafe right.firstByte
        let out: UnsafeMutableRawPointer
        var storage: Storage?
        if leftStride == 1, left.ownsStorage() {
            unsafe out = first
        } else if rightStride == 1, right.ownsStorage() {
            unsafe out = second
            storage = right.storage
        } else {
            let new = try Storage(byteCount: count &* left.dtype.byteWidth)
            unsafe out = new.base
            storage = new
        }
        // Safe: all three hold `count` elements of the type, or one that is repeated, which their storage keeps until after
        // the call; the three numbers outlive it.
        unsafe mw_active_kernels().pointee.elementwise.binary(
            operation, left.dtype.kernel, 1, &count, out, first, &leftStride, second, &rightStride)
        if let storage {
            // Either storage holds these elements alone, from its base on.
            left.storage = storage
            left.byteOffset = 0
            if leftStride == 0 { left.layout = right.layout }
            right.storage = nil
        }
        return true
    }
}
