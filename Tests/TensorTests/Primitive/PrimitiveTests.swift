import Tensor
import Testing

@Suite("Primitive")
struct PrimitiveTests {
    @Test("ids and names are unique")
    func ids() {
        #expect(Set(Primitive.all.map(\.id)).count == Primitive.all.count)
        #expect(Set(Primitive.all.map(\.name.description)).count == Primitive.all.count)
    }

    @Test("no derivative is pending")
    func pending() {
        let pending = Primitive.all.filter { primitive in
            if case .derivativePending = primitive.derivative { true } else { false }
        }
        #expect(pending.map(\.name.description) == [])
    }

    @Test("what is not differentiable is so by its nature")
    func notDifferentiable() {
        let constant = Primitive.all.filter { primitive in
            if case .notDifferentiable = primitive.derivative { true } else { false }
        }
        let elementwise: Set = [
            "compare", "cast", "floorDivide", "and", "or", "xor", "shiftLeft", "shiftRight", "isNaN", "isInfinite",
            "isFinite", "bitCast", "sign", "ceil", "floor", "round", "trunc", "not",
        ]
        let reductions: Set = [
            "argmax", "sum(as:)", "product(as:)", "any", "all", "countNonzero", "argmin", "argsort", "topK",
            "searchSorted", "cumulativeMaximumIndices", "cumulativeMinimumIndices",
        ]
        let others: Set = ["rowNumbers", "matrixRank", "maxPoolIndices"]
        #expect(Set(constant.map(\.name.description)) == elementwise.union(reductions).union(others))
    }

    @Test("a kernel gives the type that its rule promised", arguments: 0..<5)
    func ruleAndKernel(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let values = try RandomView(shape: [4, 6], using: &generator).tensor
        let labels = try AnyTensor([0, 1, 2, 3] as [Int32], shape: [4])
        func typesAgree(_ operation: (AnyTensor, AnyTensor) throws -> AnyTensor) throws -> Bool {
            let concrete = try operation(values, labels)
            let abstract = try operation(
                .abstract(shape: values.shape, dtype: .float32), .abstract(shape: labels.shape, dtype: .int32))
            return abstract.isAbstract && concrete.shape == abstract.shape && concrete.dtype == abstract.dtype
        }
        #expect(try typesAgree { x, _ in try x.matmul(x.transposed()).sum(axes: [0], keepsDimensions: true) })
        #expect(try typesAgree { x, labels in try x.crossEntropy(labels: labels).mean() })
        #expect(try typesAgree { x, labels in try x.gatherRows(labels) })
        #expect(try typesAgree { x, _ in try x.sliced(axis: 1, 1..<5, step: -2).reshaped(to: [8]) })
        #expect(try typesAgree { x, _ in try AnyTensor.concatenate([x, x.softmax(axis: 0)], axis: 1).argmax(axis: 0) })
        #expect(try typesAgree { x, _ in try AnyTensor.select(x .> x.relu(), x, x.max()).cast(to: .bool) })
    }
}
