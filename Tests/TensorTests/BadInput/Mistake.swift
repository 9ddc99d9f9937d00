import Tensor
import Testing

/// A mistake that the core throws for, and the same one in the typed face, which ends the program.
struct Mistake: Sendable, CustomTestStringConvertible {
    let family: String
    let core: @Sendable () throws -> Void
    let typed: @Sendable () -> Void

    var testDescription: String { family }

    private init(_ family: String, core: @escaping @Sendable () throws -> Void, typed: @escaping @Sendable () -> Void) {
        self.family = family
        self.core = core
        self.typed = typed
    }

    static let all = elements + views + products + layers + made

    private static let elements = [
        Mistake("elementwise") {
            _ = try AnyTensor.zeros([2, 3]) * .zeros([4])
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]) * Tensor.zeros([4])
        },
        Mistake("division of integers by 0") {
            _ = try AnyTensor([1, 2] as [Int32], shape: [2]).floorDivided(by: .scalar(Int32(0)))
        } typed: {
            _ = Tensor<Int32>([1, 2]).floorDivided(by: 0)
        },
        Mistake("select") {
            _ = try AnyTensor.select(.zeros([2], dtype: .bool), .zeros([3]), .zeros([]))
        } typed: {
            _ = Tensor<Bool>.zeros([2]).select(Tensor<Float>.zeros([3]), 0)
        },
        Mistake("reduction") {
            _ = try AnyTensor.zeros([2, 3]).sum(axes: [0, 2])
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).sum(axes: [0, 2])
        },
        Mistake("reduction of nothing") {
            _ = try AnyTensor.zeros([2, 0]).max(axes: [1])
        } typed: {
            _ = Tensor<Float>.zeros([2, 0]).max(axes: [1])
        },
        Mistake("scan") {
            _ = try AnyTensor.zeros([2, 3]).cumulativeSum(axis: -3)
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).cumulativeSum(axis: -3)
        },
        Mistake("sorting") {
            _ = try AnyTensor.zeros([2, 3]).topK(4, axis: 0)
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).topK(4, axis: 0)
        },
        Mistake("quantile") {
            _ = try AnyTensor.zeros([3]).quantile(1.5)
        } typed: {
            _ = Tensor<Float>.zeros([3]).quantile(1.5)
        },
    ]

    private static let views = [
        Mistake("view") {
            _ = try AnyTensor.zeros([2, 3]).reshaped(to: [4, 2])
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).reshaped(to: [4, 2])
        },
        Mistake("strides") {
            _ = try AnyTensor.zeros([2, 3]).sliced(axis: 1, 0..<3, step: 0)
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).sliced(axis: 1, 0..<3, step: 0)
        },
        Mistake("subscript") {
            _ = try AnyTensor.zeros([2, 3]).indexed(by: [1, -4])
        } typed: {
            _ = Tensor<Float>.zeros([2, 3])[1, -4]
        },
        Mistake("indexing") {
            _ = try AnyTensor.zeros([2, 3]).taking(AnyTensor([0, 3] as [Int64], shape: [2]), axis: 1)
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).taking(Tensor<Int64>([0, 3]), axis: 1)
        },
        Mistake("concatenation") {
            _ = try AnyTensor.concatenate([.zeros([2, 3]), .zeros([2, 4])])
        } typed: {
            _ = Tensor<Float>.concatenate([.zeros([2, 3]), .zeros([2, 4])])
        },
    ]

    private static let products = [
        Mistake("matrices") {
            _ = try AnyTensor.zeros([2, 3]).matmul(.zeros([2, 3]))
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).matmul(.zeros([2, 3]))
        },
        Mistake("einsum") {
            _ = try AnyTensor.einsum("ij,jk->il", .zeros([2, 3]), .zeros([3, 4]))
        } typed: {
            _ = Tensor<Float>.einsum("ij,jk->il", .zeros([2, 3]), .zeros([3, 4]))
        },
        Mistake("linear algebra") {
            _ = try AnyTensor.ones([2, 2], dtype: .float64).solve(.ones([2], dtype: .float64))
        } typed: {
            _ = Tensor<Double>.ones([2, 2]).solve(.ones([2]))
        },
        Mistake("factorisation") {
            _ = try AnyTensor.zeros([2, 3]).cholesky()
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).cholesky()
        },
    ]

    private static let layers = [
        Mistake("convolution") {
            _ = try AnyTensor.zeros([1, 3, 8, 8]).convolution(.zeros([4, 2, 3, 3]))
        } typed: {
            _ = Tensor<Float>.zeros([1, 3, 8, 8]).convolution(.zeros([4, 2, 3, 3]))
        },
        Mistake("pooling") {
            _ = try AnyTensor.zeros([1, 3, 4, 4]).maxPool([5, 5])
        } typed: {
            _ = Tensor<Float>.zeros([1, 3, 4, 4]).maxPool([5, 5])
        },
        Mistake("normalisation") {
            _ = try AnyTensor.zeros([2, 6]).layerNorm(weight: .zeros([5]))
        } typed: {
            _ = Tensor<Float>.zeros([2, 6]).layerNorm(weight: .zeros([5]))
        },
        Mistake("softmax") {
            _ = try AnyTensor.zeros([2, 6]).softmax(axis: 2)
        } typed: {
            _ = Tensor<Float>.zeros([2, 6]).softmax(axis: 2)
        },
        Mistake("attention") {
            _ = try AnyTensor.zeros([1, 2, 4, 8]).attention(keys: .zeros([1, 2, 5, 6]), values: .zeros([1, 2, 5, 6]))
        } typed: {
            _ = Tensor<Float>.zeros([1, 2, 4, 8]).attention(keys: .zeros([1, 2, 5, 6]), values: .zeros([1, 2, 5, 6]))
        },
        Mistake("loss") {
            _ = try AnyTensor.zeros([2, 3]).crossEntropy(labels: AnyTensor([0, 3] as [Int32], shape: [2]))
        } typed: {
            _ = Tensor<Float>.zeros([2, 3]).crossEntropy(labels: Tensor<Int32>([0, 3]))
        },
    ]

    private static let made = [
        Mistake("random") {
            _ = try RandomKey(seed: 1).bernoulli([2], probability: 1.5)
        } typed: {
            _ = Tensor<Bool>.bernoulli([2], probability: 1.5, key: RandomKey(seed: 1))
        },
        Mistake("creation") {
            _ = try AnyTensor.linspace(from: 0, through: 1, count: -1)
        } typed: {
            _ = Tensor<Float>.linspace(from: 0, through: 1, count: -1)
        },
        Mistake("elements") {
            _ = try AnyTensor([1, 2, 3] as [Float], shape: [2, 2])
        } typed: {
            _ = Tensor<Float>([1, 2, 3], shape: [2, 2])
        },
        Mistake("shape") {
            _ = try Shape([2, -1])
        } typed: {
            _ = [2, -1] as Shape
        },
        Mistake("memory") {
            _ = try AnyTensor.zeros([1 << 20, 1 << 20, 1 << 10])
        } typed: {
            _ = Tensor<Float>.zeros([1 << 20, 1 << 20, 1 << 10])
        },
    ]
}
