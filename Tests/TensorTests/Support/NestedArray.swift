import Tensor
import Testing

/// The slow, obvious model of a tensor that the tests compare with: a function from an index on each axis to a value.
struct NestedArray<Scalar: TensorScalar> {
    let shape: [Int]
    let at: ([Int]) -> Scalar

    /// Every index in row-major order.
    var indices: [[Int]] {
        shape.reduce([[]]) { prefixes, length in prefixes.flatMap { prefix in (0..<length).map { prefix + [$0] } } }
    }

    /// The values in row-major order.
    var values: [Scalar] { indices.map(at) }

    /// The value that an index of a shape which this one broadcasts to shows.
    func broadcast(at index: [Int]) -> Scalar {
        let aligned = index.suffix(shape.count)
        return at(zip(aligned, shape).map { $1 == 1 ? 0 : $0 })
    }
}

/// A tensor behind a random chain of views, with its model.
struct RandomView {
    let tensor: AnyTensor
    let model: NestedArray<Float>

    /// A view of this shape whose values are drawn from `range`: transposed, sliced with a step forwards or backwards,
    /// and broadcast by chance.
    init(
        shape: [Int], in range: ClosedRange<Float> = -2...2, using generator: inout SeededGenerator
    ) throws {
        var shape = shape
        var undo: [(AnyTensor) throws -> AnyTensor] = []
        if shape.count >= 2, Bool.random(using: &generator) {
            let order = Array(shape.indices).shuffled(using: &generator)
            let previous = shape
            shape = order.map { previous[$0] }
            let inverse = previous.indices.map { order.firstIndex(of: $0)! }
            undo.append { try $0.transposed(inverse) }
        }
        if let axis = shape.indices.randomElement(using: &generator), Bool.random(using: &generator) {
            let step = [-3, -2, -1, 2, 3].randomElement(using: &generator)!
            let front = Int.random(in: 0...2, using: &generator)
            let length = shape[axis] == 0 ? 0 : (shape[axis] - 1) * abs(step) + 1
            shape[axis] = front + length + Int.random(in: 0...2, using: &generator)
            undo.append { try $0.sliced(axis: axis, front..<front + length, step: step) }
        }
        let count = shape.reduce(1, *)
        let values = (0..<count).map { _ in Float.random(in: range, using: &generator) }
        var tensor = try AnyTensor(values, shape: Shape(shape))
        for view in undo.reversed() { tensor = try view(tensor) }
        let copy = try tensor.scalars(as: Float.self)
        let viewShape = Array(tensor.shape)
        self.tensor = tensor
        self.model = NestedArray(shape: viewShape) { index in
            copy[zip(index, viewShape).reduce(0) { $0 * $1.1 + $1.0 }]
        }
    }
}

/// Pairs of shapes that broadcast, with the result: the cases that elementwise tests run over.
let broadcastingShapes: [(left: [Int], right: [Int], result: [Int])] = [
    ([], [], []),
    ([1], [], [1]),
    ([7], [7], [7]),
    ([7], [], [7]),
    ([3, 5], [3, 5], [3, 5]),
    ([3, 5], [5], [3, 5]),
    ([3, 1], [1, 5], [3, 5]),
    ([3, 1], [5], [3, 5]),
    ([2, 3, 4], [3, 1], [2, 3, 4]),
    ([4, 1, 6, 1], [5, 1, 3], [4, 5, 6, 3]),
    ([0, 3], [3], [0, 3]),
    ([17, 35], [17, 35], [17, 35]),
    ([2, 1, 2, 1, 2, 1, 2, 1], [1, 3, 1, 2, 1, 2, 1, 2], [2, 3, 2, 2, 2, 2, 2, 2]),
]

/// Expects the `TensorError` of a code, and that its text holds each of `fragments`.
func expectError(
    _ code: TensorError.Code, mentioning fragments: String..., from body: () throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let error = #expect(throws: TensorError.self, sourceLocation: sourceLocation) { try body() }
    guard let error else { return }
    #expect(error.code == code, sourceLocation: sourceLocation)
    for fragment in fragments {
        #expect(error.description.contains(fragment), "\(error)", sourceLocation: sourceLocation)
    }
}
