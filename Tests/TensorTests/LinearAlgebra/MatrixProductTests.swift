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

    @Test("shapes that do not chain throw with both")
    func mistakes() throws {
        let matrix = try AnyTensor.zeros([2, 3])
        expectError(.shapeMismatch, mentioning: "matmul", "[2, 3]") { _ = try matrix.matmul(matrix) }
        expectError(.shapeMismatch, mentioning: "[3]") { _ = try matrix.matmul(.zeros([3])) }
        expectError(.shapeMismatch, mentioning: "[2]", "[3]") {
            _ = try AnyTensor.zeros([2, 4, 4]).matmul(.zeros([3, 4, 4]))
        }
        expectError(.dtypeMismatch, mentioning: "int32") { _ = try matrix.matmul(.zeros([3, 2], dtype: .int32)) }
    }
}

extension NestedArray {
    /// The value at an index whose leading axes broadcast, and whose last two do not.
    fileprivate func batched(_ index: [Int]) -> Scalar {
        let aligned = index.suffix(shape.count)
        let axes = shape.count
        return at(zip(aligned, shape).enumerated().map { $0 < axes - 2 && $1.1 == 1 ? 0 : $1.0 })
    }
}
