import Tensor
import Testing

@Suite("Matrix product")
struct MatrixProductTests {
    private static let cases: [(left: [Int], right: [Int], result: [Int])] = [
        ([1, 1], [1, 1], [1, 1]), ([3, 5], [5, 4], [3, 4]), ([1, 7], [7, 1], [1, 1]), ([9, 65], [65, 17], [9, 17]),
        ([3, 300], [300, 10], [3, 10]), ([2, 3, 4], [2, 4, 5], [2, 3, 5]), ([3, 4], [2, 4, 5], [2, 3, 5]),
        ([2, 1, 3, 4], [5, 4, 2], [2, 5, 3, 2]), ([0, 3], [3, 2], [0, 2]), ([2, 0], [0, 3], [2, 3]),
    ]

    @Test("products of views are those of their elements", arguments: 0..<3)
    func products(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for (leftShape, rightShape, shape) in Self.cases {
            let left = try RandomView(shape: leftShape, using: &generator)
            let right = try RandomView(shape: rightShape, using: &generator)
            let product = try left.tensor.matmul(right.tensor)
            #expect(Array(product.shape) == shape)
            let inner = leftShape.last!
            let expected = NestedArray<Float>(shape: shape) { index in
                var sum = 0.0
                for k in 0..<inner {
                    let row = left.model.batched(index.dropLast(2) + [index[index.count - 2], k])
                    let column = right.model.batched(index.dropLast(2) + [k, index[index.count - 1]])
                    sum += Double(row) * Double(column)
                }
                return Float(sum)
            }
            for (found, value) in zip(try product.scalars(as: Float.self), expected.values) {
                #expect(abs(found - value) <= 1e-5 * Float(inner), "seed \(seed): \(leftShape) · \(rightShape)")
            }
        }
    }

    @Test("a row computed alone has the bits that it has in a batch")
    func rowAlone() throws {
        var generator = SeededGenerator(seed: 5)
        let batch = try RandomView(shape: [37, 100], using: &generator).tensor.reshaped(to: [37, 100])
        let weights = try RandomView(shape: [100, 23], using: &generator).tensor
        let together = try batch.matmul(weights).scalars(as: Float.self)
        for row in 0..<37 {
            let alone = try batch.sliced(axis: 0, row..<row + 1).matmul(weights).scalars(as: Float.self)
            #expect(alone == Array(together[row * 23..<(row + 1) * 23]))
        }
    }

    @Test("a vector is a row on the left and a column on the right, and its axis vanishes", arguments: 0..<3)
    func vectors(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shapes: [(left: [Int], right: [Int], result: [Int])] = [
            ([4], [4], []), ([4], [4, 3], [3]), ([3, 4], [4], [3]), ([4], [2, 4, 3], [2, 3]),
            ([2, 3, 4], [4], [2, 3]),
            ([4], [5, 2, 4, 1], [5, 2, 1]), ([0], [0], []), ([0], [0, 2], [2]), ([1], [1], []),
        ]
        for (leftShape, rightShape, shape) in shapes {
            let left = try RandomView(shape: leftShape, using: &generator)
            let right = try RandomView(shape: rightShape, using: &generator)
            let product = try left.tensor.matmul(right.tensor)
            #expect(Array(product.shape) == shape, "seed \(seed)")
            let expected = NestedArray<Float>(shape: shape) { index in
                (0..<leftShape.last!).reduce(0) { sum, k in
                    let row = leftShape.count == 1 ? [k] : index + [k]
                    let column =
                        rightShape.count == 1 ? [k] : index.dropLast() + [k] + index.suffix(1)
                    return sum + left.model.at(row) * right.model.at(column)
                }
            }
            for (found, value) in zip(try product.scalars(as: Float.self), expected.values) {
                #expect(abs(found - value) <= 1e-5, "seed \(seed): \(leftShape) · \(rightShape)")
            }
        }
    }

    @Test("batches that are one product of more rows or columns have the same elements", arguments: 0..<4)
    func foldedBatches(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shapes: [(left: [Int], right: [Int])] = [
            ([2, 3, 4, 5], [5, 6]), ([2, 1, 4, 5], [3, 5, 6]), ([1, 5], [2, 3, 5, 1]), ([3, 1, 5], [5, 4]),
            ([2, 3, 1, 5], [2, 1, 5, 4]), ([1, 1, 5], [4, 5, 3]), ([4, 2, 5], [1, 5, 3]), ([2, 3, 1, 1], [3, 1, 1]),
        ]
        for (leftShape, rightShape) in shapes {
            let left = try RandomView(shape: leftShape, using: &generator)
            let right = try RandomView(shape: rightShape, using: &generator)
            let product = try left.tensor.matmul(right.tensor)
            let bias = try RandomView(shape: Array(product.shape.suffix(2)), using: &generator)
            let sum = try bias.tensor.addingProduct(of: left.tensor, right.tensor)
            #expect(sum.shape == product.shape)
            let indices = NestedArray<Float>(shape: Array(product.shape)) { _ in 0 }.indices
            let products = try product.scalars(as: Float.self)
            for ((index, found), sum) in zip(zip(indices, products), try sum.scalars(as: Float.self)) {
                let expected = (0..<leftShape.last!).reduce(Float(0)) { partial, k in
                    let row = left.model.batched(index.dropLast(2) + [index[index.count - 2], k])
                    return partial + row * right.model.batched(index.dropLast(2) + [k, index[index.count - 1]])
                }
                #expect(abs(found - expected) <= 1e-4, "seed \(seed): \(leftShape) · \(rightShape)")
                #expect(abs(sum - bias.model.at(Array(index.suffix(2))) - expected) <= 1e-4, "seed \(seed)")
            }
        }
    }

    @Test("integers wrap around, and doubles keep their digits")
    func otherTypes() throws {
        let bytes = try AnyTensor([100, -7, 3, 50] as [Int8], shape: [2, 2])
        #expect(try bytes.matmul(bytes).scalars(as: Int8.self) == [-5, -26, -62, -81])
        let wide = try AnyTensor([UInt64.max, 2, 3, 4], shape: [2, 2])
        #expect(try wide.matmul(wide).scalars(as: UInt64.self) == [7, 6, 9, 22])
        let unsigned = try AnyTensor([200, 100] as [UInt16], shape: [2])
        #expect(try unsigned.matmul(unsigned).scalars(as: UInt16.self) == [UInt16(truncatingIfNeeded: 50_000)])
        let doubles = try AnyTensor([1, 0x1p-40, 0x1p-40, 1] as [Double], shape: [2, 2])
        #expect(try doubles.matmul(doubles).scalars(as: Double.self) == [1 + 0x1p-80, 0x1p-39, 0x1p-39, 1 + 0x1p-80])
        // 256 + 1 is no bfloat16, nor 2,049 a float16, but the sums that are rounded hold them.
        let row = try AnyTensor([256, 1, -256].map { BFloat16($0 as Double) }, shape: [3])
        let ones = try AnyTensor([1, 1, 1].map { BFloat16($0 as Double) }, shape: [3])
        #expect(try row.matmul(ones).scalars(as: BFloat16.self) == [BFloat16(1 as Double)])
    }

    @Test("adding a product reuses a bias that nothing else needs, and keeps one that is shared")
    func addingProduct() throws {
        let left = try AnyTensor([1, 2, 3, 4] as [Float], shape: [2, 2])
        let bias = try AnyTensor([10, 20] as [Float], shape: [2])
        let whole = try AnyTensor([1, 1, 1, 1] as [Float], shape: [2, 2])
        #expect(try bias.addingProduct(of: left, left).scalars(as: Float.self) == [17, 30, 25, 42])
        #expect(try whole.addingProduct(of: left, left).scalars(as: Float.self) == [8, 11, 16, 23])
        #expect(try whole.scalars(as: Float.self) == [1, 1, 1, 1])
        #expect(try whole.transposed().addingProduct(of: left, left).scalars(as: Float.self) == [8, 11, 16, 23])
        let nothing = try AnyTensor.zeros([2, 0])
        #expect(try bias.addingProduct(of: nothing, nothing.transposed()).scalars(as: Float.self) == [10, 20, 10, 20])
        let integers = try AnyTensor([1, 2, 3, 4] as [Int64], shape: [2, 2])
        #expect(try integers.addingProduct(of: integers, integers).scalars(as: Int64.self) == [8, 12, 18, 26])
        expectError(.shapeMismatch, mentioning: "addingProduct", "[3]", "[2, 2]") {
            _ = try AnyTensor.zeros([3]).addingProduct(of: left, left)
        }
        expectError(.dtypeMismatch, mentioning: "addingProduct") { _ = try integers.addingProduct(of: left, left) }
    }

    @Test("powers are repeated products, of every numeric type")
    func powers() throws {
        let fibonacci = try AnyTensor([1, 1, 1, 0] as [Int64], shape: [2, 2])
        #expect(
            try fibonacci.matrixPower(90).element(0).element(1).scalars(as: Int64.self) == [2_880_067_194_370_816_120])
        #expect(try fibonacci.matrixPower(1).scalars(as: Int64.self) == [1, 1, 1, 0])
        for dtype in DType.allCases where dtype != .bool {
            let zero = try AnyTensor.zeros([2, 3, 3], dtype: dtype)
            let identity = try zero.matrixPower(0)
            #expect(identity.dtype == dtype && identity.shape == [2, 3, 3])
            #expect(try bytes(of: identity.matmul(identity)) == bytes(of: identity))
            #expect(bytes(of: identity) != bytes(of: zero))
        }
        let matrix = try AnyTensor([2, 0, 0, 4] as [Float], shape: [2, 2])
        #expect(try matrix.matrixPower(-2).scalars(as: Float.self) == [0.25, 0, 0, 0.0625])
        expectError(.dtypeMismatch, mentioning: "bool") {
            _ = try AnyTensor.zeros([2, 2], dtype: .bool).matrixPower(0)
        }
    }

    @Test("shapes that do not chain throw with both")
    func mistakes() throws {
        let matrix = try AnyTensor.zeros([2, 3])
        expectError(.shapeMismatch, mentioning: "matmul", "[2, 3]") { _ = try matrix.matmul(matrix) }
        expectError(.shapeMismatch, mentioning: "[2]") { _ = try matrix.matmul(.zeros([2])) }
        expectError(.shapeMismatch, mentioning: "[3]", "[2, 3]") { _ = try AnyTensor.zeros([3]).matmul(matrix) }
        expectError(.shapeMismatch, mentioning: "[]") { _ = try matrix.matmul(.zeros([])) }
        expectError(.shapeMismatch, mentioning: "[]") { _ = try AnyTensor.zeros([]).matmul(matrix) }
        expectError(.dtypeMismatch, mentioning: "bool") {
            _ = try AnyTensor.zeros([2, 2], dtype: .bool).matmul(.zeros([2, 2], dtype: .bool))
        }
        expectError(.shapeMismatch, mentioning: "[2]", "[3]") {
            _ = try AnyTensor.zeros([2, 4, 4]).matmul(.zeros([3, 4, 4]))
        }
        expectError(.dtypeMismatch, mentioning: "int32") { _ = try matrix.matmul(.zeros([3, 2], dtype: .int32)) }
    }
}

/// The elements' bytes, of a type that the test does not name.
private func bytes(of tensor: AnyTensor) -> [UInt8] {
    // Copied before the closure returns.
    tensor.withBytes { bytes in unsafe Array(bytes) }
}

extension NestedArray {
    /// The value at an index whose leading axes broadcast, and whose last two do not.
    fileprivate func batched(_ index: [Int]) -> Scalar {
        let aligned = index.suffix(shape.count)
        let axes = shape.count
        return at(zip(aligned, shape).enumerated().map { $0 < axes - 2 && $1.1 == 1 ? 0 : $1.0 })
    }
}
