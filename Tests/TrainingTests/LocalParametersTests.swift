import Autodiff
import NeuralNetwork
import Optimizers
import Tensor
import Testing
import Training

@Suite struct LocalParametersTests {
    /// A model with two parameters of two ones each.
    private struct Pair: Model {
        func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
            let first = try p.parameter("first", shape: [2], initializer: .constant(1))
            return try first + p.parameter("second", shape: [2], initializer: .constant(1))
        }
    }

    private static func parameters(learningRate: Float) throws -> LocalParameters {
        let declaration = try initialize(Pair(), key: RandomKey(seed: 1), example: [1])
        return try LocalParameters(declaration, updateRule: .sgd(learningRate: learningRate))
    }

    @Test("a step changes every parameter by its own gradient")
    func steps() throws {
        let parameters = try Self.parameters(learningRate: 0.5)
        _ = try parameters.push(NamedTensors([("first", .full([2], Float(1))), ("second", .full([2], Float(-2)))]))
        #expect(try parameters.pull().map { try $0.tensor.scalars(as: Float.self) } == [[0.5, 0.5], [2, 2]])
    }

    /// A table of five rows beside a bias, which a step changes whole or in some rows.
    private struct Table: Model {
        func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
            let ids = Tensor<Int32>([4, 0, 4])
            return try p.embedding(ids, rows: 5, features: 3).sum()
                + p.parameter("bias", shape: [2], initializer: .zeros).sum() + input.sum()
        }

        static func gradients(_ number: Int, rows: [Int64]?) throws -> NamedTensors {
            let key = RandomKey(seed: 9).foldIn("\(number)")
            var gradients = NamedTensors()
            if let rows {
                gradients[gradient: "table"] = .rowSparse(
                    try RowSparse(
                        indices: AnyTensor(rows, shape: [rows.count]), values: key.normal([rows.count, 3]),
                        rowCount: 5))
            } else {
                gradients["table"] = try key.normal([5, 3])
            }
            gradients["bias"] = try key.normal([2])
            return gradients
        }
    }

    @Test(
        "rows go by the dense rule as if each were alone and saw its own gradients, and a whole gradient steps all",
        arguments: [
            UpdateRule.sgd(learningRate: 0.1), .sgd(learningRate: 0.1, momentum: 0.9), .rowwiseAdagrad(),
            .adam(learningRate: 0.05),
        ])
    func rowSteps(rule: UpdateRule) throws {
        // Row 3 is in no row-sparse step; nil is a step of the whole table.
        let steps: [[[Int64]?]] = [[[4, 0], [0, 0, 2], [], [1]], [nil, [4, 0, 4], nil, [2]], [nil, nil]]
        for steps in steps {
            let declaration = try initialize(Table(), key: RandomKey(seed: 1), example: [1])
            let parameters = try LocalParameters(declaration, updateRule: rule)
            let before = parameters.pull()
            for (number, rows) in steps.enumerated() {
                _ = try parameters.push(Table.gradients(number, rows: rows))
            }
            let after = parameters.pull()
            for row in 0..<5 {
                func own(_ table: AnyTensor) throws -> AnyTensor { try table.sliced(axis: 0, row..<row + 1) }
                var alone = try own(before.tensor(named: "table"))
                var state = try rule.makeState(alone.shape)
                for (number, rows) in steps.enumerated() where rows?.contains(Int64(row)) ?? true {
                    let gradient = try Table.gradients(number, rows: rows).toDense().tensor(named: "table")
                    try rule.apply(to: &alone, gradient: own(gradient), state: &state)
                }
                let found = try own(after.tensor(named: "table")).scalars(as: Float.self)
                let expected = try alone.scalars(as: Float.self)
                // The decays' powers are a product in one and squares in the other.
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 }, "row \(row) of \(steps)")
                if state.stepCount == 0 { #expect(found == expected) }
            }
            var bias = try before.tensor(named: "bias")
            var state = try rule.makeState([2])
            for number in steps.indices {
                try rule.apply(
                    to: &bias, gradient: Table.gradients(number, rows: []).tensor(named: "bias"), state: &state)
            }
            #expect(try after.tensor(named: "bias").scalars(as: Float.self) == bias.scalars(as: Float.self))
        }
    }

    @Test("what the tape makes of an embedding is a step of the rows of the batch")
    func embedding() throws {
        let declaration = try initialize(Table(), key: RandomKey(seed: 1), example: [1])
        let parameters = try LocalParameters(declaration, updateRule: .sgd(learningRate: 0.25))
        let before = parameters.pull()
        let gradients = try valueAndGradient(at: before) { p in
            try Table()(Tensor.zeros([1]), ParameterScope(p))
        }.gradient
        guard case .rowSparse? = gradients[gradient: "table"] else {
            Issue.record("not row-sparse: \(gradients)")
            return
        }
        _ = try parameters.push(gradients)
        let values = try before.tensor(named: "table").scalars(as: Float.self)
        let steps: [Float] = [0.25, 0, 0, 0, 0.5].flatMap { [$0, $0, $0] }
        #expect(
            try parameters.pull().tensor(named: "table").scalars(as: Float.self) == zip(values, steps).map { $0 - $1 })
    }

    @Test("rows that do not fit are an error, and later steps are taken as before")
    func wrongRows() throws {
        let parameters = try Self.parameters(learningRate: 1)
        var gradients = try NamedTensors([("first", .ones([2])), ("second", .zeros([2]))])
        gradients[gradient: "second"] = .rowSparse(
            try RowSparse(indices: .zeros([1], dtype: .int64), values: .ones([1]), rowCount: 3))
        let wrong = gradients
        let error = #expect(throws: TensorError.self) { try parameters.push(wrong) }
        #expect(error?.code == .shapeMismatch)
        _ = try parameters.push(NamedTensors([("first", .zeros([2])), ("second", .ones([2]))]))
        #expect(try parameters.pull().tensor(named: "second").scalars(as: Float.self) == [0, 0])
    }

    @Test("a gradient that is missing or of another shape is an error that says so")
    func wrongGradients() throws {
        let parameters = try Self.parameters(learningRate: 1)
        let missing = #expect(throws: TensorError.self) {
            try parameters.push(NamedTensors([("first", .zeros([2]))]))
        }
        #expect(missing?.code == .unknownName)
        let shape = #expect(throws: TensorError.self) {
            try parameters.push(NamedTensors([("first", .zeros([3])), ("second", .zeros([2]))]))
        }
        #expect(shape?.code == .shapeMismatch)
        // A step that failed does not keep later ones from being taken.
        _ = try parameters.push(NamedTensors([("first", .zeros([2])), ("second", .zeros([2]))]))
    }
}
