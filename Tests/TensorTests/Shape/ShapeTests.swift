import Tensor
import Testing

@Suite("Shape")
struct ShapeTests {
    @Test("a shape knows its rank, its dimensions and its elements")
    func basics() {
        let shape: Shape = [2, 3, 4]
        #expect(shape.rank == 3)
        #expect(shape.elementCount == 24)
        #expect(Array(shape) == [2, 3, 4])
        #expect("\(shape)" == "[2, 3, 4]")
        #expect(Shape.scalar.elementCount == 1)
        #expect(Shape.scalar == [])
        #expect(([4, 0, 3] as Shape).elementCount == 0)
    }

    @Test("shapes are equal when their ranks and dimensions are")
    func equality() {
        #expect([2, 3] as Shape == [2, 3])
        #expect([2, 3] as Shape != [3, 2])
        #expect([2] as Shape != [2, 1])
        #expect(([2, 3] as Shape).hashValue == ([2, 3] as Shape).hashValue)
    }

    @Test("nine axes, a negative dimension and more elements than there are addresses throw")
    func unsound() {
        expectError(.rankTooLarge, mentioning: "8", "9") { _ = try Shape([Int](repeating: 1, count: 9)) }
        expectError(.shapeMismatch, mentioning: "negative") { _ = try Shape([2, -1]) }
        expectError(.outOfMemory) { _ = try Shape([Int.max, 2]) }
        expectError(.outOfMemory) { _ = try Shape([0, Int.max, Int.max]) }
        expectError(.outOfMemory) { _ = try Shape([1 << 40, 1 << 40]) }
    }

    @Test("two sound shapes that broadcast to an unsound one throw")
    func unsoundBroadcast() throws {
        let column = try AnyTensor.abstract(shape: Shape([1 << 31, 1]), dtype: .float32)
        let row = try AnyTensor.abstract(shape: Shape([1, 1 << 31]), dtype: .float32)
        expectError(.outOfMemory) { _ = try column + row }
    }
}
