import Tensor
import Testing

@Suite("Tensor")
struct TensorTests {
    @Test("literals nest")
    func literals() {
        let matrix: Tensor<Float> = [[1, 2, 3], [4, 5, 6]]
        #expect(matrix.shape == [2, 3])
        #expect(matrix.scalars == [1, 2, 3, 4, 5, 6])
        let scalar: Tensor<Float> = 2.5
        #expect(scalar.shape == [])
        #expect(scalar.scalar == 2.5)
        let mask: Tensor<Bool> = [true, false]
        #expect(mask.scalars == [true, false])
        let counts: Tensor<Int32> = [[[1], [-2]]]
        #expect(counts.shape == [1, 2, 1])
        #expect(counts.scalars == [1, -2])
    }

    @Test("scalars broadcast in expressions")
    func expressions() {
        let x: Tensor<Float> = [[1, 2], [3, 4]]
        #expect((x.matmul(x.transposed()) * 0.5 + 1).scalars == [3.5, 6.5, 6.5, 13.5])
        #expect((-x / 2 - 1).scalars == [-1.5, -2, -2.5, -3])
        var y = x
        y += 1
        y *= x
        y -= [[2, 0], [0, 0]]
        y /= 2
        #expect(y.scalars == [0, 3, 6, 10])
        #expect(x.scalars == [1, 2, 3, 4])
        #expect(x[1].scalars == [3, 4])
    }

    @Test("a core of another element type is refused")
    func wrongType() throws {
        let core = try AnyTensor.zeros([2], dtype: .int32)
        expectError(.dtypeMismatch, mentioning: "float32", "int32[2]") { _ = try Tensor<Float>(core) }
        #expect(try Tensor<Int32>(core).scalars == [0, 0])
    }
}
