import CTensorKernels
import Foundation
import Testing

@Suite struct UnaryKernelsTests {
    static let operations = Unary.ofFloats
    static let seed: UInt64 = 0x6d77_0001

    static func apply(_ operation: mw_unary_operation, _ a: [Float], on path: KernelPath) -> [Float] {
        var out = [Float](repeating: .nan, count: a.count)
        // The arrays are as long as the shape says, and outlive the call.
        unsafe path.kernels.elementwise.unary(operation, MW_DTYPE_F32, 1, [a.count], &out, a, [1])
        return out
    }

    @Test("any bits give the same bits on every path", arguments: KernelPath.all, operations)
    func pathsAgree(path: KernelPath, operation: mw_unary_operation) {
        var values = SeededValues(seed: Self.seed)
        for count in [0, 1, 3, 15, 16, 17, 64, 1031] {
            let a = values.anyFloats(count) + values.floats(count).map { $0 * 100 }
            let expected = Self.apply(operation, a, on: .scalar)
            #expect(
                comparableBits(Self.apply(operation, a, on: path)) == comparableBits(expected),
                "seed \(Self.seed), \(count) elements")
        }
    }

    @Test("exp and log are within 2 units in the last place", arguments: KernelPath.all)
    func exponentialAndLogarithmAreAccurate(path: KernelPath) {
        var values = SeededValues(seed: Self.seed)
        let a = values.floats(4000).map { $0 * 104 } + values.anyFloats(4000)
        let exponentials = Self.apply(MW_UNARY_EXP, a, on: path)
        let logarithms = Self.apply(MW_UNARY_LOG, a, on: path)
        for (i, x) in a.enumerated() where !x.isNaN {
            let e = exp(Double(x))
            if Float(e).isFinite, exponentials[i].isFinite {
                #expect(abs(Double(exponentials[i]) - e) <= 2 * Double(Float(e).ulp), "exp(\(x)), seed \(Self.seed)")
            } else {
                #expect(exponentials[i] == Float(e), "exp(\(x)), seed \(Self.seed)")
            }
            let l = log(Double(x))
            if l.isFinite {
                #expect(abs(Double(logarithms[i]) - l) <= 2 * Double(Float(l).ulp), "log(\(x)), seed \(Self.seed)")
            } else {
                #expect(comparableBits([logarithms[i]]) == comparableBits([Float(l)]), "log(\(x)), seed \(Self.seed)")
            }
        }
    }

    @Test("special values give what IEEE 754 and NumPy give", arguments: KernelPath.all)
    func specialValues(path: KernelPath) {
        let a: [Float] = [
            0, -0.0, .infinity, -.infinity, .nan, 1, -1, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
        ]
        let expected: [(mw_unary_operation, [Float])] = [
            (
                MW_UNARY_NEGATE,
                [-0.0, 0, -.infinity, .infinity, .nan, -1, 1, -.leastNonzeroMagnitude, -.greatestFiniteMagnitude]
            ),
            (MW_UNARY_RELU, [0, 0, .infinity, 0, .nan, 1, 0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]),
            (MW_UNARY_EXP, [1, 1, .infinity, 0, .nan, Float(M_E), Float(1 / M_E), 1, .infinity]),
            (MW_UNARY_LOG, [-.infinity, -.infinity, .infinity, .nan, .nan, 0, .nan, -103.27893, 88.72284]),
            (MW_UNARY_SQRT, [0, -0.0, .infinity, .nan, .nan, 1, .nan, 3.743392e-23, 1.8446743e19]),
        ]
        for (operation, results) in expected {
            #expect(comparableBits(Self.apply(operation, a, on: path)) == comparableBits(results), "\(operation)")
        }
    }

    @Test("exp keeps subnormal results and ends in 0 and infinity where f32 does", arguments: KernelPath.all)
    func exponentialRange(path: KernelPath) {
        let results = Self.apply(MW_UNARY_EXP, [-87.5, -103.9, -104, 88.72283, 88.72284], on: path)
        #expect(results[0] == Float(exp(-87.5)))
        #expect(results[1] == .leastNonzeroMagnitude)
        #expect(results[2] == 0)
        #expect(results[3].isFinite)
        #expect(results[4] == .infinity)
    }

    @Test(
        "a strided, reversed or broadcast operand reads the elements that its strides name", arguments: KernelPath.all)
    func stridedOperands(path: KernelPath) {
        let a = (0..<24).map { Float($0) }
        let cases: [(shape: [Int], strides: [Int], base: Int)] = [
            ([4, 6], [1, 4], 0), ([6], [-4], 20), ([3, 4], [0, 2], 1), ([2, 3, 4], [12, -4, 1], 8), ([], [], 5),
            ([2, 1, 3, 1, 2], [12, 7, 4, 9, 2], 0), ([3, 0, 2], [1, 1, 1], 0),
        ]
        for (shape, strides, base) in cases {
            let expected = indices(of: shape).map { index in
                -a[base + zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
            }
            var out = [Float](repeating: .nan, count: expected.count)
            unsafe a.withUnsafeBufferPointer { a in
                // Every index of the cases lies inside the array.
                unsafe path.kernels.elementwise.unary(
                    MW_UNARY_NEGATE, MW_DTYPE_F32, shape.count, shape, &out, a.baseAddress! + base, strides)
            }
            #expect(out == expected, "shape \(shape), strides \(strides)")
        }
    }

    @Test("the result may take the operand's place", arguments: KernelPath.all, operations)
    func inPlace(path: KernelPath, operation: mw_unary_operation) {
        var values = SeededValues(seed: Self.seed)
        let a = values.floats(131)
        var inPlace = a
        unsafe inPlace.withUnsafeMutableBufferPointer { buffer in
            // In-place use is what the kernel allows: the same pointer and contiguous strides.
            unsafe path.kernels.elementwise.unary(
                operation, MW_DTYPE_F32, 1, [131], buffer.baseAddress!, buffer.baseAddress!, [1])
        }
        #expect(comparableBits(inPlace) == comparableBits(Self.apply(operation, a, on: path)))
    }
}
