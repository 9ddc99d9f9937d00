import Tensor
import Testing

@Suite("Products of vectors and tensors")
struct VectorProductTests {
    private let a = Tensor<Float>([1, 2, 3])
    private let b = Tensor<Float>([4, 5, 6])
    private let matrix: Tensor<Float> = [[1, 2], [3, 4]]

    @Test("dot, flat dot, inner, outer and vector dot")
    func vectors() {
        #expect(a.dot(b).scalar == 32)
        #expect(matrix.flatDot([[1, 0], [0, 2]]).scalar == 9)
        #expect(a.outer(b).scalars == [4, 5, 6, 8, 10, 12, 12, 15, 18])
        #expect(matrix.outer(a).shape == [4, 3])
        #expect(matrix.inner(matrix).scalars == [5, 11, 11, 25])
        #expect(matrix.inner(2).scalars == [2, 4, 6, 8])
        #expect(a.inner(b).scalar == 32)
        #expect(matrix.vectorDot(matrix).scalars == [5, 25])
        #expect(matrix.vectorDot(matrix, axis: -2).scalars == [10, 20])
        let batch = Tensor<Float>(repeating: 1, shape: [4, 1, 2])
        #expect(batch.vectorDot(matrix).shape == [4, 2])
        #expect(batch.vectorDot(matrix)[1].scalars == [3, 7])
    }

    @Test("the Kronecker product puts the second into every element of the first")
    func kron() {
        let blocks = matrix.kron([[0, 1], [1, 0]])
        #expect(blocks.shape == [4, 4])
        #expect(blocks.scalars == [0, 1, 0, 2, 1, 0, 2, 0, 0, 3, 0, 4, 3, 0, 4, 0])
        #expect(Tensor<Float>([1, 10]).kron(Tensor([1, 2, 3])).scalars == [1, 2, 3, 10, 20, 30])
        #expect(Tensor<Float>([1, 10]).kron(matrix).scalars == [1, 2, 10, 20, 3, 4, 30, 40])
        #expect(matrix.kron(Tensor<Float>(3)).scalars == [3, 6, 9, 12])
        expectError(.rankTooLarge, mentioning: "8 axes") {
            let wide = try AnyTensor.zeros([1, 1, 1, 1, 1])
            _ = try wide.kron(wide)
        }
    }

    @Test("the cross product is orthogonal to both, along any axis")
    func cross() throws {
        #expect(a.cross(b).scalars == [-3, 6, -3])
        let columns = Tensor<Float>([1, 0, 0, 1, 0, 0], shape: [3, 2])
        #expect(columns.cross(columns.sliced(axis: 1, 0..<2, step: -1), axis: 0).scalars == [0, 0, 0, 0, 1, -1])
        #expect(Tensor<Float>(repeating: 1, shape: [5, 1, 3]).cross(a.broadcast(to: [2, 3])).shape == [5, 2, 3])
        expectError(.shapeMismatch, mentioning: "cross", "3 elements") { _ = try matrix.core.cross(matrix.core) }
        expectError(.indexOutOfRange, mentioning: "cross") { _ = try a.core.cross(b.core, axis: 1) }
    }

    @Test("contractions over axes that are named or counted", arguments: 0..<4)
    func tensorDot(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let left = try RandomView(shape: [2, 3, 4, 5], using: &generator)
        let right = try RandomView(shape: [4, 6, 3], using: &generator)
        let product = try left.tensor.tensorDot(right.tensor, axes: [1, -2], [2, 0])
        #expect(product.shape == [2, 5, 6])
        let expected = NestedArray<Float>(shape: [2, 5, 6]) { index in
            var sum: Float = 0
            for j in 0..<3 {
                for k in 0..<4 { sum += left.model.at([index[0], j, k, index[1]]) * right.model.at([k, index[2], j]) }
            }
            return sum
        }
        for (found, expected) in zip(try product.scalars(as: Float.self), expected.values) {
            #expect(abs(found - expected) <= 1e-4, "seed \(seed)")
        }
        #expect(matrix.tensorDot(matrix).scalar == 30)
        #expect(matrix.tensorDot(matrix, axes: 1).scalars == matrix.matmul(matrix).scalars)
        #expect(a.tensorDot(b, axes: 0).scalars == a.outer(b).scalars)
    }

    @Test("the trace sums a diagonal, of views as well")
    func trace() throws {
        let wide = Tensor<Float>([1, 2, 3, 4, 5, 6], shape: [2, 3])
        #expect(wide.matrixTrace().scalar == 6)
        #expect(wide.matrixTrace(offset: 1).scalar == 8)
        #expect(wide.matrixTrace(offset: 2).scalar == 3)
        #expect(wide.matrixTrace(offset: -1).scalar == 4)
        for offset in [3, -2, .max, .min, 100] { #expect(wide.matrixTrace(offset: offset).scalar == 0) }
        #expect(wide.transposed().matrixTrace(offset: -1).scalar == 8)
        #expect(wide.sliced(axis: 1, 0..<3, step: -1).matrixTrace().scalar == 8)
        #expect(Tensor<Int32>([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2]).matrixTrace().scalars == [5, 13])
        #expect(Tensor<Float>.zeros([2, 0, 3]).matrixTrace().scalars == [0, 0])
        expectError(.shapeMismatch, mentioning: "matrixTrace", "[3]") { _ = try a.core.matrixTrace() }
    }

    @Test("what does not fit throws")
    func mistakes() throws {
        expectError(.shapeMismatch, mentioning: "dot", "[3]", "[2, 2]") { _ = try a.core.dot(matrix.core) }
        expectError(.shapeMismatch, mentioning: "flatDot") { _ = try a.core.flatDot(matrix.core) }
        expectError(.shapeMismatch, mentioning: "tensorDot", "axis -1", "axis 0") {
            _ = try a.core.tensorDot(matrix.core, axes: [-1], [0])
        }
        expectError(.shapeMismatch, mentioning: "do not pair") { _ = try a.core.tensorDot(b.core, axes: [0], []) }
        expectError(.indexOutOfRange, mentioning: "tensorDot", "axis 1") {
            _ = try a.core.tensorDot(b.core, axes: [1], [0])
        }
        expectError(.indexOutOfRange, mentioning: "tensorDot", "2 axes") { _ = try a.core.tensorDot(b.core) }
        expectError(.indexOutOfRange, mentioning: "vectorDot", "axis 0") { _ = try a.core.vectorDot(b.core, axis: 0) }
        expectError(.dtypeMismatch, mentioning: "matmul") { _ = try a.core.dot(.zeros([3], dtype: .int32)) }
    }
}
