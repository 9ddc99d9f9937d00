import CTensorKernels
import Testing

/// Tensors large enough to be shared over the compute pool, in every way that a walk is cut.
@Suite struct StridedRunTests {
    /// Negates through a shape and strides, and compares with the elements that those name.
    static func check(shape: [Int], strides: [Int], base: Int, length: Int) {
        let a = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let count = shape.reduce(1, *)
        var out = [UInt8](repeating: 0, count: count)
        unsafe a.withUnsafeBufferPointer { a in
            // Every index of the cases lies inside the array, and the result has the shape's elements.
            unsafe mw_active_kernels().pointee.elementwise.unary(
                MW_UNARY_BITWISE_NOT, MW_DTYPE_U8, shape.count, shape, &out, a.baseAddress! + base, strides)
        }
        var index = [Int](repeating: 0, count: shape.count)
        var offset = base
        for i in 0..<count {
            guard out[i] == ~a[offset] else {
                Issue.record("shape \(shape), strides \(strides): element \(i)")
                return
            }
            var axis = shape.count - 1
            while axis >= 0 {
                index[axis] += 1
                offset += strides[axis]
                if index[axis] < shape[axis] { break }
                offset -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
    }

    @Test("one long row is cut into pieces, the last one short")
    func oneRow() {
        Self.check(shape: [600_001], strides: [1], base: 0, length: 600_001)
        Self.check(shape: [600_001], strides: [-1], base: 600_000, length: 600_001)
    }

    @Test("long rows are cut, each by itself")
    func longRows() {
        Self.check(shape: [3, 190_001], strides: [190_003, 1], base: 1, length: 3 * 190_003 + 1)
    }

    @Test("short rows are bundled, in three axes and transposed")
    func shortRows() {
        Self.check(shape: [7, 801, 101], strides: [1, 7 * 101, 7], base: 0, length: 7 * 801 * 101)
        Self.check(shape: [540_000, 1], strides: [1, 1], base: 0, length: 540_000)
    }

    @Test("a broadcast operand is shared too")
    func broadcast() {
        Self.check(shape: [600, 1000], strides: [0, 1], base: 0, length: 1000)
        Self.check(shape: [600, 1000], strides: [1, 0], base: 0, length: 600)
    }

    @Test("just below and at the size from which it is shared, the answers are the same")
    func threshold() {
        for count in [(1 << 19) - 1, 1 << 19, (1 << 19) + 1] {
            Self.check(shape: [count], strides: [1], base: 0, length: count)
        }
    }
}
