import Autodiff
import Tensor
import Testing

/// Derivatives against central differences along a random direction, as JAX's `check_grads` does: for a scalar function
/// F, a point x, a direction t and a small h, `(F(x + ht) - F(x - ht)) / 2h` is close to `⟨∇F(x), t⟩`. A tensor-valued
/// function is first weighed with random numbers, so that every element of its Jacobian counts.
@Suite("Derivatives of primitives")
struct DerivativeTests {
    @Test("every differentiable primitive has a case here")
    func complete() {
        let tested = Set(DerivativeCase.all.map(\.primitive.id))
        let missing = Primitive.all.filter { primitive in
            if case .reverse = primitive.derivative { !tested.contains(primitive.id) } else { false }
        }
        #expect(missing.map(\.name.description) == [])
    }

    @Test("the gradient is that of finite differences", arguments: DerivativeCase.all)
    func firstOrder(_ case: DerivativeCase) throws {
        for seed: UInt64 in 0..<3 {
            let check = try DifferenceCheck(`case`, seed: seed)
            let gradient = try check.gradient(at: check.point)
            let found = try dot(gradient, check.direction)
            let expected = try check.slope(of: check.value)
            #expect(isClose(found, expected), "seed \(seed): \(found), by differences \(expected)")
        }
    }

    @Test("the gradient of the gradient is that of its finite differences", arguments: DerivativeCase.all)
    func secondOrder(_ case: DerivativeCase) throws {
        for seed: UInt64 in 0..<2 {
            let check = try DifferenceCheck(`case`, seed: seed)
            let curvature = try valueAndGradient(at: check.point) { point in
                try check.traced(dotOf: check.gradient(at: point), with: check.secondDirection)
            }.gradient.toDense()
            let found = try dot(curvature, check.direction)
            let expected = try check.slope { try dot(check.gradient(at: $0), check.secondDirection) }
            #expect(isClose(found, expected), "seed \(seed): \(found), by differences \(expected)")
        }
    }

    /// Three significant digits, or an absolute error that differences of float32 values have anyway.
    private func isClose(_ found: Double, _ expected: Double) -> Bool {
        abs(found - expected) <= 2e-3 * max(abs(found), abs(expected), 1)
    }
}

/// One case at a random point.
private struct DifferenceCheck {
    let function: ([AnyTensor]) throws -> AnyTensor
    let point: NamedTensors
    let direction: NamedTensors
    let secondDirection: NamedTensors
    private let weights: AnyTensor

    /// Small enough for the third derivative, large enough for float32.
    private static let step: Float = 0x1p-7

    init(_ case: DerivativeCase, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func random(_ range: ClosedRange<Float>) throws -> NamedTensors {
            try NamedTensors(
                `case`.shapes.enumerated().map { index, shape in
                    let values = (0..<shape.elementCount).map { _ in Float.random(in: range, using: &generator) }
                    return ("operand\(index)", try AnyTensor(values, shape: shape))
                })
        }
        function = `case`.function
        point = try random(`case`.range)
        direction = try random(-1...1)
        secondDirection = try random(-1...1)
        let shape = try function(point.map(\.tensor)).shape
        weights = try AnyTensor(
            (0..<shape.elementCount).map { _ in Float.random(in: 0.5...1.5, using: &generator) }, shape: shape)
    }

    func gradient(at point: NamedTensors) throws -> NamedTensors {
        try valueAndGradient(at: point) { point in
            try Tensor((function(point.map(\.tensor)) * weights).sum())
        }.gradient.toDense()
    }

    /// The weighed value, summed in double precision.
    func value(at point: NamedTensors) throws -> Double {
        let values = try function(point.map(\.tensor)).scalars(as: Float.self)
        return try zip(values, weights.scalars(as: Float.self)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// The central difference of a function along the direction.
    func slope(of function: (NamedTensors) throws -> Double) throws -> Double {
        func moved(_ step: Float) throws -> NamedTensors {
            try point.mapValues { name, tensor in
                try tensor + direction.tensor(named: name) * .scalar(step)
            }
        }
        return try (function(moved(Self.step)) - function(moved(-Self.step))) / (2 * Double(Self.step))
    }

    /// The inner product as an operation that a tape records.
    func traced(dotOf left: NamedTensors, with right: NamedTensors) throws -> Tensor<Float> {
        var sum = try AnyTensor.scalar(Float(0))
        for (name, tensor) in left { sum = try sum + (tensor * right.tensor(named: name)).sum() }
        return try Tensor(sum)
    }
}

/// The inner product in double precision.
private func dot(_ left: NamedTensors, _ right: NamedTensors) throws -> Double {
    var sum = 0.0
    for (name, tensor) in left {
        let others = try right.tensor(named: name).scalars(as: Float.self)
        for (value, other) in zip(try tensor.scalars(as: Float.self), others) { sum += Double(value) * Double(other) }
    }
    return sum
}
