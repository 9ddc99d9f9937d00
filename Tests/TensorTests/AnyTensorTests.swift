import Tensor
import Testing

@Suite("AnyTensor")
struct AnyTensorTests {
    @Test("a tensor holds what it was made of")
    func creation() throws {
        #expect(try AnyTensor.zeros([2, 2]).scalars(as: Float.self) == [0, 0, 0, 0])
        #expect(try AnyTensor.zeros([2], dtype: .bool).scalars(as: Bool.self) == [false, false])
        #expect(try AnyTensor.full([3], Int32(7)).scalars(as: Int32.self) == [7, 7, 7])
        let tensor = try AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(tensor.shape == [2, 3])
        #expect(tensor.byteCount == 24)
        #expect(try tensor.scalars(as: Float.self) == [1, 2, 3, 4, 5, 6])
    }

    @Test("the wrong number of elements and the wrong element type throw")
    func mistakes() throws {
        expectError(.shapeMismatch, mentioning: "[2, 3]", "24", "8") {
            _ = try AnyTensor([1, 2] as [Float], shape: [2, 3])
        }
        expectError(.dtypeMismatch, mentioning: "int32", "float32[1]") {
            _ = try AnyTensor.zeros([1]).scalars(as: Int32.self)
        }
    }

    @Test("more memory than there is throws")
    func outOfMemory() throws {
        let shape = try Shape([1 << 50])
        expectError(.outOfMemory, mentioning: "bytes") { _ = try AnyTensor.zeros(shape) }
    }

    @Test("an abstract tensor runs shape rules and has no values")
    func abstract() throws {
        let images = AnyTensor.abstract(shape: [32, 784], dtype: .float32)
        let weights = AnyTensor.abstract(shape: [784, 10], dtype: .float32)
        let bias = try AnyTensor.zeros([10])
        let logits = try (images.matmul(weights) + bias).relu()
        #expect(logits.isAbstract)
        #expect(logits.shape == [32, 10])
        #expect(try logits.argmax().dtype == .int32)
        #expect("\(logits)" == "abstract float32[32, 10]")
        expectError(.shapeMismatch, mentioning: "matmul", "[784, 10]", "[32, 784]") { _ = try weights.matmul(images) }
        expectError(.valuesUnknown, mentioning: "float32[32, 10]") { _ = try logits.scalars(as: Float.self) }
        expectError(.valuesUnknown) { _ = try logits.firstNonFinite() }
    }
}
