import Tensor

/// Arguments without sense, from a seed: tensors of any type, shape and layout, and numbers that are too small, too large
/// or too many. None is so large that it could be allocated and not be missed: a size is small or beyond every machine's
/// address space.
final class Nonsense {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    private func pick<Value>(_ values: [Value]) -> Value { values.randomElement(using: &generator)! }

    var bool: Bool { Bool.random(using: &generator) }
    var dtype: DType { pick(DType.allCases) }
    /// Half of them are axes, places or sizes that may be right.
    var int: Int {
        bool
            ? pick([0, 1, 2, 3, -1])
            : pick([-2, -3, 4, 5, 7, 8, 9, 12, -12, 1 << 50, 1 << 58, 1 << 59, 1 << 60, 1 << 62, .max, .min, .min + 1])
    }
    var ints: [Int] { (0..<pick([0, 1, 1, 2, 2, 3, 9])).map { _ in int } }
    var axes: [Int]? { pick([nil, [0], ints]) }
    var double: Double {
        pick([0, 1, -1, 0.5, 3, -2.5, .leastNonzeroMagnitude, 1e300, -1e308, .infinity, -.infinity, .nan])
    }
    var shape: Shape {
        get throws { try bool ? Shape(ints) : smallShape }
    }
    var range: Range<Int> {
        let (first, second) = (int, int)
        return min(first, second)..<max(first, second)
    }
    var index: TensorIndex {
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: .at(int)
        case 1: .newAxis
        case 2: .ellipsis
        case 3: .range(range)
        case 4: .all
        default: .stride(from: bool ? int : nil, to: bool ? int : nil, by: int)
        }
    }
    var indices: [TensorIndex] { (0..<pick([0, 1, 2, 3, 9])).map { _ in index } }
    var expression: String {
        (0..<Int.random(in: 0..<9, using: &generator)).map { _ in
            pick(["i", "j", "k", "i", "j", ",", "->", "...", ".", "-", " ", "1", "é", "a\u{301}", "\r\n", "🦜"])
        }.joined()
    }
    var layout: SpatialLayout { pick([.channelsFirst, .channelsLast]) }
    var scatterMode: ScatterMode { pick(ScatterMode.allCases) }
    var reduction: LossReduction { pick([.none, .mean, .sum]) }
    var padding: ConvolutionPadding {
        pick([.valid, .same, .symmetric(ints), .explicit(before: ints, after: ints)])
    }

    private var smallShape: Shape {
        get throws {
            let rank = pick([0, 1, 1, 2, 2, 3, 4, 5, 8])
            return try Shape((0..<rank).map { _ in rank > 5 ? pick([1, 2]) : pick([0, 1, 2, 2, 3, 3, 4]) })
        }
    }

    /// A tensor of any type and layout; by chance an abstract one.
    var tensor: AnyTensor {
        get throws { try tensor(of: pick([.float32, .float32, .float32, .int32, .int64, .bool, dtype])) }
    }
    /// A tensor that may be an operand's partner: float32 with few axes.
    var floats: AnyTensor {
        get throws { try tensor(of: .float32) }
    }
    /// Indices, labels or counts.
    var integers: AnyTensor {
        get throws { try tensor(of: pick([.int32, .int64, dtype])) }
    }
    var optional: AnyTensor? {
        get throws { bool ? try tensor : nil }
    }
    var tensors: [AnyTensor] {
        get throws {
            var tensors: [AnyTensor] = []
            for _ in 0..<pick([0, 1, 2, 2, 3, 9]) { tensors.append(try tensor) }
            return tensors
        }
    }

    private func tensor(of dtype: DType) throws -> AnyTensor {
        let shape = try smallShape
        if Int.random(in: 0..<12, using: &generator) == 0 { return .abstract(shape: shape, dtype: dtype) }
        var elements = (0..<shape.elementCount).map { _ in pick([0, 1, 2, -1, 3, 1_000_000]) as Float }
        if bool { elements = elements.map { abs($0).truncatingRemainder(dividingBy: 2) } }
        var tensor = try AnyTensor(elements, shape: shape).cast(to: dtype)
        if shape.rank >= 2, bool { tensor = try tensor.transposed() }
        if shape.rank >= 1, bool { tensor = try tensor.flipped(axes: [0]) }
        if shape.rank < 4, Int.random(in: 0..<4, using: &generator) == 0 {
            tensor = try tensor.broadcast(to: Shape([2] + Array(tensor.shape)))
        }
        return tensor
    }
}
