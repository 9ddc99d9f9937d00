import Foundation
import Tensor
import Testing

@Suite("Elementwise operations")
struct ElementwiseTests {
    typealias Binary = (
        name: String, tensors: (AnyTensor, AnyTensor) throws -> AnyTensor, model: (Float, Float) -> Float
    )

    @Test("arithmetic on views of every kind is that of their elements", arguments: 0..<5)
    func arithmetic(seed: UInt64) throws {
        let operations: [Binary] = [
            ("add", { try $0 + $1 }, { $0 + $1 }), ("subtract", { try $0 - $1 }, { $0 - $1 }),
            ("multiply", { try $0 * $1 }, { $0 * $1 }), ("divide", { try $0 / $1 }, { $0 / $1 }),
        ]
        var generator = SeededGenerator(seed: seed)
        for (leftShape, rightShape, shape) in broadcastingShapes {
            for operation in operations {
                let left = try RandomView(shape: leftShape, using: &generator)
                let right = try RandomView(shape: rightShape, using: &generator)
                let result = try operation.tensors(left.tensor, right.tensor)
                let expected = NestedArray(shape: shape) { index in
                    operation.model(left.model.broadcast(at: index), right.model.broadcast(at: index))
                }
                #expect(Array(result.shape) == shape)
                #expect(
                    try result.scalars(as: Float.self) == expected.values,
                    "seed \(seed): \(operation.name) of \(leftShape) and \(rightShape)")
            }
        }
    }

    @Test("functions of one operand on views are those of its elements", arguments: 0..<3)
    func unary(seed: UInt64) throws {
        let operations: [(name: String, tensor: (AnyTensor) throws -> AnyTensor, model: (Double) -> Double)] = [
            ("negated", { try $0.negated() }, { -$0 }), ("exp", { try $0.exp() }, { Foundation.exp($0) }),
            ("log", { try $0.log() }, { Foundation.log($0) }),
            ("squareRoot", { try $0.squareRoot() }, { $0.squareRoot() }),
            ("relu", { try ($0 - .scalar(Float(1))).relu() }, { max($0 - 1, 0) }),
        ]
        var generator = SeededGenerator(seed: seed)
        for shape in broadcastingShapes.map(\.result) {
            for operation in operations {
                let operand = try RandomView(shape: shape, in: 0.01...4, using: &generator)
                let result = try operation.tensor(operand.tensor).scalars(as: Float.self)
                for (found, value) in zip(result, operand.model.values) {
                    let expected = operation.model(Double(value))
                    #expect(
                        abs(Double(found) - expected) <= 2e-7 * max(abs(expected), 1),
                        "seed \(seed): \(operation.name)(\(value)) = \(found), not \(expected)")
                }
            }
        }
    }

    @Test("integers wrap around, and cannot be divided")
    func integers() throws {
        let left = try AnyTensor([Int32.max, -7, 3], shape: [3])
        let right = try AnyTensor([1, 2, Int32.min] as [Int32], shape: [3])
        #expect(try (left + right).scalars(as: Int32.self) == [.min, -5, .min + 3])
        #expect(try (left - right).scalars(as: Int32.self) == [.max - 1, -9, 3 &- .min])
        #expect(try (left * right).scalars(as: Int32.self) == [.max, -14, .min])
        expectError(.dtypeMismatch, mentioning: "divide", "int32[3]") { _ = try left / right }
        expectError(.dtypeMismatch, mentioning: "exp", "int32[3]") { _ = try left.exp() }
    }

    @Test("shapes that do not broadcast and types that differ throw with both")
    func mistakes() throws {
        let three = try AnyTensor.zeros([3])
        let four = try AnyTensor.zeros([4])
        expectError(.shapeMismatch, mentioning: "add", "[3]", "[4]") { _ = try three + four }
        expectError(.dtypeMismatch, mentioning: "multiply", "float32[3]", "int32[3]") {
            _ = try three * AnyTensor.zeros([3], dtype: .int32)
        }
        var total = three
        expectError(.shapeMismatch, mentioning: "accumulate") { try total.accumulate(.scalar(Float(1))) }
        #expect(try total.scalars(as: Float.self) == [0, 0, 0], "a refused accumulation changes nothing")
    }

    @Test("comparisons follow IEEE 754: with NaN only != holds")
    func comparisons() throws {
        let left = try AnyTensor([1, 2, 3, .nan] as [Float], shape: [4])
        let right = try AnyTensor([2, 2, 2, .nan] as [Float], shape: [4])
        #expect(try (left .== right).scalars(as: Bool.self) == [false, true, false, false])
        #expect(try (left .!= right).scalars(as: Bool.self) == [true, false, true, true])
        #expect(try (left .< right).scalars(as: Bool.self) == [true, false, false, false])
        #expect(try (left .<= right).scalars(as: Bool.self) == [true, true, false, false])
        #expect(try (left .> right).scalars(as: Bool.self) == [false, false, true, false])
        #expect(try (left .>= right).scalars(as: Bool.self) == [false, true, true, false])
        let counts: Tensor<Int32> = [3, -1]
        #expect((counts .> 0).scalars == [true, false])
    }

    @Test("a selection broadcasts its condition and its values")
    func select() throws {
        let condition: Tensor<Bool> = [[true], [false]]
        let values: Tensor<Float> = [1, 2, 3]
        #expect(condition.select(values, -values).scalars == [1, 2, 3, -1, -2, -3])
        #expect(condition.select(Tensor<Int32>(7), 9).scalars == [7, 9])
        expectError(.dtypeMismatch, mentioning: "select") {
            _ = try AnyTensor.select(values.core, values.core, values.core)
        }
    }

    @Test("casts round toward zero, saturate, and take NaN to 0")
    func casts() throws {
        let floats: Tensor<Float> = [1.9, -1.9, 3e9, -3e9, 0]
        #expect(floats.cast(to: Int32.self).scalars == [1, -1, .max, .min, 0])
        #expect(Tensor<Float>(.nan).cast(to: Int32.self).scalar == 0)
        #expect(floats.cast(to: Bool.self).scalars == [true, true, true, true, false])
        #expect(floats.cast(to: Bool.self).cast(to: Float.self).scalars == [1, 1, 1, 1, 0])
        #expect(Tensor<Int32>([5, -6]).cast(to: Float.self).scalars == [5, -6])
        #expect(floats.transposed([0]).cast(to: Float.self).scalars == floats.scalars)
    }
}
