import Autodiff
import Tensor
import Testing

@Suite("valueAndGradient")
struct ValueAndGradientTests {
    private func named(_ values: KeyValuePairs<String, Float>) throws -> NamedTensors {
        try NamedTensors(values.map { ($0.key, try .scalar($0.value)) })
    }

    @Test("gradients have the parameters' names, shapes and order")
    func names() throws {
        let parameters = try NamedTensors([
            ("weight", AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])), ("bias", .zeros([2])),
        ])
        let images = try AnyTensor([1, 0, 2] as [Float], shape: [1, 3])
        let (value, gradient) = try valueAndGradient(at: parameters) { p in
            try Tensor((images.matmul(p.tensor(named: "weight")) + p.tensor(named: "bias")).sum())
        }
        #expect(value.scalar == 11 + 14)
        #expect(gradient.names == ["weight", "bias"])
        #expect(try gradient.tensor(named: "weight").scalars(as: Float.self) == [1, 1, 0, 0, 2, 2])
        #expect(try gradient.tensor(named: "bias").scalars(as: Float.self) == [1, 1])
        #expect(gradient.allSatisfy { $0.tensor.isContiguous && $0.tensor.shape == parameters[$0.name]!.shape })
    }

    @Test("factors of 0 that meet in a place have the gradient of PyTorch's scatter_reduce by products")
    func zeroFactors() throws {
        let parameters = try NamedTensors([
            ("target", AnyTensor([2, 3, 0] as [Float], shape: [3])),
            ("source", AnyTensor([4, 0, 5, 6, 0] as [Float], shape: [5])),
        ])
        let places = try AnyTensor([0, 0, 1, 2, 2] as [Int32], shape: [5])
        let (value, gradient) = try valueAndGradient(at: parameters) { p in
            try Tensor(
                p.tensor(named: "target").scattering(
                    p.tensor(named: "source"), along: 0, places, mode: .multiply
                ).sum())
        }
        #expect(value.scalar == 15)
        #expect(try gradient.tensor(named: "target").scalars(as: Float.self) == [0, 5, 0])
        #expect(try gradient.tensor(named: "source").scalars(as: Float.self) == [0, 8, 3, 0, 0])
    }

    @Test("a gradient is final as soon as its last contribution is in, while others are still computed")
    func finality() throws {
        // Three layers in a row: the way back meets the last layer's parameters first.
        let parameters = try named(["first": 2, "second": 3, "unused": 9, "third": 5])
        var order: [String] = []
        var livingWhenFinal: [String: Int] = [:]
        let tape = LivingValues()
        let (_, gradient) = try valueAndGradient(
            at: parameters,
            onFinal: { name, _ in
                order.append(name)
                livingWhenFinal[name] = tape.count
            }
        ) { p in
            var x = try AnyTensor.scalar(Float(1))
            for name in ["first", "second", "third"] {
                x = try p.tensor(named: name) * x
                // What the tape keeps for the way back, it must have let go of once it has passed.
                x = try x * tape.constant()
            }
            return try Tensor(x)
        }
        #expect(order == ["unused", "third", "second", "first"])
        #expect(livingWhenFinal == ["unused": 3, "third": 2, "second": 1, "first": 0])
        #expect(gradient.count == 4)
    }

    @Test("a parameter that is used twice is final after its earlier use")
    func sharedParameter() throws {
        let parameters = try named(["shared": 2, "late": 3])
        var order: [String] = []
        let (_, gradient) = try valueAndGradient(at: parameters, onFinal: { name, _ in order.append(name) }) { p in
            let shared = try p.tensor(named: "shared")
            return try Tensor(shared * shared * p.tensor(named: "late") * shared)
        }
        #expect(order == ["late", "shared"])
        #expect(try gradient.tensor(named: "shared").scalars(as: Float.self) == [3 * 4 * 3])
        #expect(try gradient.tensor(named: "late").scalars(as: Float.self) == [8])
    }

    @Test("a use that does not reach the value delays nothing")
    func deadUse() throws {
        let parameters = try named(["first": 2, "second": 3])
        var order: [String] = []
        _ = try valueAndGradient(at: parameters, onFinal: { name, _ in order.append(name) }) { p in
            _ = try p.tensor(named: "second").exp()
            let x = try p.tensor(named: "first").exp()
            return try Tensor(x * p.tensor(named: "second"))
        }
        #expect(order == ["second", "first"])
    }

    @Test("a parameter that the value does not depend on has a gradient of zeros, and integers have none")
    func independent() throws {
        var parameters = try named(["used": 2, "unused": 3])
        parameters["table"] = try AnyTensor([1, 2] as [Int32], shape: [2])
        let (_, gradient) = try valueAndGradient(at: parameters) { p in
            try Tensor(p.tensor(named: "used") + AnyTensor.scalar(Float(1)))
        }
        #expect(gradient.names == ["used", "unused"])
        #expect(try gradient.map { try $0.tensor.scalars(as: Float.self) } == [[1], [0]])
        let constant = valueAndGradient(at: parameters) { _ in Tensor(7) }
        #expect(constant.value.scalar == 7)
        #expect(try constant.gradient.map { try $0.tensor.scalars(as: Float.self) } == [[0], [0]])
        let identity = try valueAndGradient(at: parameters) { p in try Tensor(p.tensor(named: "used")) }
        #expect(try identity.gradient.map { try $0.tensor.scalars(as: Float.self) } == [[1], [0]])
    }

    @Test("an error from the closure is the caller's")
    func errors() throws {
        let parameters = try NamedTensors([("logits", .zeros([1, 3]))])
        #expect(throws: TensorError.self) {
            try valueAndGradient(at: parameters) { p in
                try Tensor(p.tensor(named: "logits").crossEntropy(labels: AnyTensor([5] as [Int32], shape: [1])).sum())
            }
        }
    }

    @Test("derivatives nest to the third order")
    func thirdOrder() {
        let x = Tensor<Float>(2)
        // d³/dx³ x⁴ = 24 x
        let third = valueAndGradient(at: x) { x in
            valueAndGradient(at: x) { x in
                valueAndGradient(at: x) { x in x * x * x * x }.gradient
            }.gradient
        }
        #expect(third.value.scalar == 48)
        #expect(third.gradient.scalar == 48)
    }

    @Test("the inner gradient sees the outer value as a constant, and the outer gradient sees both")
    func mixed() {
        // f(x) = x · d/dy (x y²) at y = 3 = 6 x², so f′(2) = 24.
        let result = valueAndGradient(at: Tensor<Float>(2)) { x in
            x * valueAndGradient(at: 3) { y in x * y * y }.gradient
        }
        #expect(result.value.scalar == 24)
        #expect(result.gradient.scalar == 24)
    }

    @Test("the loss of a network falls along its gradient")
    func descent() throws {
        let key = RandomKey(seed: 4)
        var weights = try Tensor<Float>(Initializer.heUniform(fanIn: 8).values(key: key, shape: [8, 3]))
        let images = try Tensor<Float>(key.foldIn("images").uniform([32, 8]))
        let labels = Tensor<Int32>((0..<32).map { Int32($0 % 3) })
        var losses: [Float] = []
        for _ in 0..<50 {
            let (loss, slope) = valueAndGradient(at: weights) { weights in
                images.matmul(weights).crossEntropy(labels: labels).mean()
            }
            losses.append(loss.scalar)
            weights -= slope * 0.5
        }
        #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 })
    }

    @Test("a value with several elements traps")
    func notScalar() async {
        await #expect(processExitsWith: .failure) {
            _ = valueAndGradient(at: Tensor<Float>([1, 2])) { $0 }
        }
    }
}

/// Constants of which it is known how many are still alive.
private final class LivingValues {
    /// The bytes of one constant.
    @safe private final class Owner: @unchecked Sendable {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 4)
        init() { unsafe bytes.storeBytes(of: 1, as: Float.self) }
        deinit { unsafe bytes.deallocate() }
    }

    private struct Weak { weak var owner: Owner? }
    private var owners: [Weak] = []

    var count: Int { owners.count { $0.owner != nil } }

    /// The number 1.
    func constant() throws -> AnyTensor {
        let owner = Owner()
        owners.append(Weak(owner: owner))
        return unsafe try AnyTensor.adopting(
            UnsafeRawBufferPointer(owner.bytes), owner: owner, shape: .scalar, dtype: .float32)
    }
}
