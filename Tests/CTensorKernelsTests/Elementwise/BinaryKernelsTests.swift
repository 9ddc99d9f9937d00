import CTensorKernels
import Testing

@Suite struct BinaryKernelsTests {
    typealias Operation = (code: mw_binary_operation, apply: @Sendable (Float, Float) -> Float)

    static let operations: [Operation] = [
        (MW_BINARY_ADD, { $0 + $1 }), (MW_BINARY_SUBTRACT, { $0 - $1 }), (MW_BINARY_MULTIPLY, { $0 * $1 }),
        (MW_BINARY_DIVIDE, { $0 / $1 }), (MW_BINARY_RELU_GRADIENT, { $0 > 0 ? $1 : 0 }),
    ]

    @Test("each operation rounds once, as Swift's own does", arguments: KernelPath.all)
    func operations(path: KernelPath) {
        var values = SeededValues(seed: 21)
        for count in [0, 1, 7, 16, 33, 515] {
            let a = values.anyFloats(count)
            let b = values.anyFloats(count)
            for (code, apply) in Self.operations {
                var out = [Float](repeating: .nan, count: count)
                // The arrays are as long as the shape says.
                unsafe path.kernels.elementwise.binary(code, MW_DTYPE_F32, 1, [count], &out, a, [1], b, [1])
                #expect(comparableBits(out) == comparableBits(zip(a, b).map(apply)), "\(code), seed 21")
            }
        }
    }

    @Test("operands broadcast by stride 0 along any axis", arguments: KernelPath.all)
    func broadcasting(path: KernelPath) {
        let shape = [3, 5, 18]
        var values = SeededValues(seed: 22)
        let a = values.floats(3 * 5 * 18)
        let b = values.floats(3 * 5 * 18)
        let strides = [[90, 18, 1], [0, 0, 1], [0, 18, 1], [5, 1, 0], [0, 0, 0], [90, 0, 1], [1, 3, 15]]
        for (code, apply) in Self.operations {
            for aStrides in strides {
                for bStrides in strides {
                    let expected = indices(of: shape).map { index in
                        let i = zip(index, aStrides).reduce(0) { $0 + $1.0 * $1.1 }
                        let j = zip(index, bStrides).reduce(0) { $0 + $1.0 * $1.1 }
                        return apply(a[i], b[j])
                    }
                    var out = [Float](repeating: .nan, count: expected.count)
                    // Every index of these strides lies inside the arrays.
                    unsafe path.kernels.elementwise.binary(code, MW_DTYPE_F32, 3, shape, &out, a, aStrides, b, bStrides)
                    #expect(out == expected, "\(code), strides \(aStrides) and \(bStrides), seed 22")
                }
            }
        }
    }

    @Test("the result may take the place of either operand or of both", arguments: KernelPath.all)
    func inPlace(path: KernelPath) {
        var values = SeededValues(seed: 23)
        let a = values.floats(77)
        let b = values.floats(77)
        var first = a
        unsafe first.withUnsafeMutableBufferPointer { first in
            // In-place use: the same pointer and contiguous strides.
            unsafe path.kernels.elementwise.binary(
                MW_BINARY_SUBTRACT, MW_DTYPE_F32, 1, [77], first.baseAddress!, first.baseAddress!, [1], b, [1])
        }
        #expect(first == zip(a, b).map { $0 - $1 })
        var second = b
        unsafe second.withUnsafeMutableBufferPointer { second in
            // As above.
            unsafe path.kernels.elementwise.binary(
                MW_BINARY_SUBTRACT, MW_DTYPE_F32, 1, [77], second.baseAddress!, a, [1], second.baseAddress!, [1])
        }
        #expect(second == zip(a, b).map { $0 - $1 })
        var both = a
        unsafe both.withUnsafeMutableBufferPointer { both in
            // As above.
            unsafe path.kernels.elementwise.binary(
                MW_BINARY_ADD, MW_DTYPE_F32, 1, [77], both.baseAddress!, both.baseAddress!, [1], both.baseAddress!, [1])
        }
        #expect(both == a.map { $0 + $0 })
    }

    @Test("integers wrap around", arguments: KernelPath.all)
    func integers(path: KernelPath) {
        var values = SeededValues(seed: 24)
        let a = values.integers(99) + [.max, .min]
        let b = values.integers(99) + [1, -1]
        let operations: [(mw_binary_operation, (Int32, Int32) -> Int32)] = [
            (MW_BINARY_ADD, { $0 &+ $1 }), (MW_BINARY_SUBTRACT, { $0 &- $1 }), (MW_BINARY_MULTIPLY, { $0 &* $1 }),
        ]
        for (code, apply) in operations {
            var out = [Int32](repeating: 0, count: a.count)
            // The arrays are as long as the shape says.
            unsafe path.kernels.elementwise.binary(code, MW_DTYPE_I32, 1, [a.count], &out, a, [1], b, [1])
            #expect(out == zip(a, b).map(apply), "\(code), seed 24")
        }
    }
}

@Suite struct ComparisonTests {
    @Test("comparisons are false with NaN, but for 'not equal'", arguments: KernelPath.all)
    func floats(path: KernelPath) {
        var values = SeededValues(seed: 25)
        let pool: [Float] = [0, -0.0, 1, -1, .nan, .infinity, -.infinity]
        let a = (0..<203).map { _ in pool[values.integer(in: 0..<pool.count)] }
        let b = (0..<203).map { _ in pool[values.integer(in: 0..<pool.count)] }
        let comparisons: [(mw_comparison, (Float, Float) -> Bool)] = [
            (MW_COMPARISON_EQUAL, { $0 == $1 }), (MW_COMPARISON_NOT_EQUAL, { $0 != $1 }),
            (MW_COMPARISON_LESS, { $0 < $1 }), (MW_COMPARISON_LESS_EQUAL, { $0 <= $1 }),
            (MW_COMPARISON_GREATER, { $0 > $1 }), (MW_COMPARISON_GREATER_EQUAL, { $0 >= $1 }),
        ]
        for (code, apply) in comparisons {
            var out = [UInt8](repeating: 7, count: a.count)
            // The arrays are as long as the shape says.
            unsafe path.kernels.elementwise.compare(code, MW_DTYPE_F32, 1, [a.count], &out, a, [1], b, [1])
            #expect(out == zip(a, b).map { apply($0, $1) ? 1 : 0 }, "\(code), seed 25")
        }
    }

    @Test("integers compare as signed ones, broadcast too", arguments: KernelPath.all)
    func integers(path: KernelPath) {
        let a: [Int32] = [.min, -1, 0, 1, .max]
        let comparisons: [(mw_comparison, (Int32, Int32) -> Bool)] = [
            (MW_COMPARISON_EQUAL, { $0 == $1 }), (MW_COMPARISON_NOT_EQUAL, { $0 != $1 }),
            (MW_COMPARISON_LESS, { $0 < $1 }), (MW_COMPARISON_LESS_EQUAL, { $0 <= $1 }),
            (MW_COMPARISON_GREATER, { $0 > $1 }), (MW_COMPARISON_GREATER_EQUAL, { $0 >= $1 }),
        ]
        for (code, apply) in comparisons {
            var out = [UInt8](repeating: 7, count: 25)
            // A column against a row, both of five elements.
            unsafe path.kernels.elementwise.compare(code, MW_DTYPE_I32, 2, [5, 5], &out, a, [1, 0], a, [0, 1])
            #expect(out == a.flatMap { x in a.map { apply(x, $0) ? 1 : 0 } }, "\(code)")
        }
    }
}
