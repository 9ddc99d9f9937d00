import Tensor
import Testing

@Suite("Views")
struct ViewTests {
    private let matrix = Tensor<Float>((0..<6).map(Float.init), shape: [2, 3])

    /// Whether two tensors show the same storage: a write to one would copy.
    private func shareStorage(_ left: AnyTensor, _ right: AnyTensor) -> Bool {
        left.sharesStorage(with: right)
    }

    @Test("transposing, slicing, broadcasting and most reshaping copy nothing")
    func withoutCopies() throws {
        let core = matrix.core
        #expect(shareStorage(core, try core.transposed()))
        #expect(shareStorage(core, try core.sliced(axis: 1, 0..<2)))
        #expect(shareStorage(core, try core.broadcast(to: [4, 2, 3])))
        #expect(shareStorage(core, try core.reshaped(to: [3, 2])))
        #expect(shareStorage(core, try core.slice(elements: 1..<4)))
        #expect(shareStorage(core, try core.transposed().reshaped(to: [3, 1, 2])))
        #expect(!shareStorage(core, try core.transposed().reshaped(to: [6])), "no strides can say this")
    }

    @Test("views show the right elements")
    func elements() throws {
        #expect(matrix.transposed().scalars == [0, 3, 1, 4, 2, 5])
        #expect(matrix.transposed().reshaped(to: [6]).scalars == [0, 3, 1, 4, 2, 5])
        #expect(matrix.reshaped(to: [3, 2]).transposed().scalars == [0, 2, 4, 1, 3, 5])
        #expect(matrix.sliced(axis: 1, 1..<3).scalars == [1, 2, 4, 5])
        #expect(matrix.sliced(axis: -1, 0..<3, step: -1).scalars == [2, 1, 0, 5, 4, 3])
        #expect(matrix.sliced(axis: 1, 0..<3, step: 2).scalars == [0, 2, 3, 5])
        #expect(matrix.sliced(axis: 1, 0..<3, step: -2).scalars == [2, 0, 5, 3])
        #expect(matrix.sliced(axis: 0, 1..<1).shape == [0, 3])
        #expect(matrix.sliced(axis: 0, 0..<2, step: .max).scalars == [0, 1, 2])
        #expect(matrix[1].broadcast(to: [2, 3]).scalars == [3, 4, 5, 3, 4, 5])
        #expect(try matrix.core.slice(elements: 2..<5).scalars(as: Float.self) == [2, 3, 4])
        #expect(try matrix.core.transposed().slice(elements: 1..<3).scalars(as: Float.self) == [3, 1])
        #expect(try matrix.core.slice(elements: 6..<6).scalars(as: Float.self) == [])
    }

    @Test("any chain of reshapes shows the row-major elements", arguments: 0..<50)
    func reshapes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shapes = [[24], [2, 12], [2, 3, 4], [4, 3, 2], [1, 24, 1], [2, 2, 2, 3], [6, 1, 4], [3, 8]]
        let view = try RandomView(shape: shapes.randomElement(using: &generator)!, using: &generator)
        var tensor = view.tensor
        for _ in 0..<4 {
            let shape = shapes.randomElement(using: &generator)!
            tensor = try tensor.reshaped(to: Shape(shape))
            #expect(try tensor.scalars(as: Float.self) == view.model.values, "seed \(seed)")
        }
    }

    @Test("what lies outside throws")
    func mistakes() throws {
        let core = matrix.core
        expectError(.shapeMismatch, mentioning: "reshape", "[2, 3]", "[7]") { _ = try core.reshaped(to: [7]) }
        expectError(.shapeMismatch, mentioning: "transpose") { _ = try core.transposed([0]) }
        expectError(.shapeMismatch, mentioning: "twice") { _ = try core.transposed([0, 0]) }
        expectError(.indexOutOfRange, mentioning: "axis 2") { _ = try core.transposed([0, 2]) }
        expectError(.shapeMismatch, mentioning: "broadcast", "[2, 3]", "[3, 2]") { _ = try core.broadcast(to: [3, 2]) }
        expectError(.indexOutOfRange, mentioning: "1..<4", "axis 1") { _ = try core.sliced(axis: 1, 1..<4) }
        expectError(.indexOutOfRange, mentioning: "-1..<1") { _ = try core.sliced(axis: 0, -1..<1) }
        expectError(.indexOutOfRange, mentioning: "step of 0") { _ = try core.sliced(axis: 0, 0..<1, step: 0) }
        expectError(.indexOutOfRange, mentioning: "0..<7") { _ = try core.slice(elements: 0..<7) }
        expectError(.indexOutOfRange, mentioning: "element: 2") { _ = try core.element(2) }
    }
}
