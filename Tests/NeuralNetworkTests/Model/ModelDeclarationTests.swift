import NeuralNetwork
import Tensor
import Testing

/// The network of the digits example, smaller.
struct Perceptron: Model {
    var hidden = 16
    var classes = 3

    func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
        let hidden = try p["hidden"].dense(input, hidden, activation: .relu)
        return try p["head"].dense(hidden, classes)
    }
}

@Suite struct ModelDeclarationTests {
    @Test("a model's parameters are found in the order of use, from a shape alone")
    func parametersAreFound() throws {
        let declaration = try initialize(Perceptron(), key: RandomKey(seed: 1), example: [5, 8])
        #expect(declaration.parameters.map(\.name) == ["hidden/weight", "hidden/bias", "head/weight", "head/bias"])
        #expect(declaration.parameters.map(\.shape) == [[8, 16], [16], [16, 3], [3]])
        #expect(declaration.elementCount == 8 * 16 + 16 + 16 * 3 + 3)
        #expect(declaration.outputShape == [5, 3])
    }

    @Test("each key is the model's folded with the parameter's name")
    func keys() throws {
        let key = RandomKey(seed: 1)
        for parameter in try initialize(Perceptron(), key: key, example: [1, 8]).parameters {
            #expect(parameter.key == key.foldIn(parameter.name))
        }
    }

    @Test("first values depend on key, name and shape, not on the batch nor on other parameters")
    func initialValues() throws {
        let key = RandomKey(seed: 1)
        let values = try initialize(Perceptron(), key: key, example: [1, 8]).initialValues()
        #expect(values.names == ["hidden/weight", "hidden/bias", "head/weight", "head/bias"])
        let wider = try initialize(Perceptron(classes: 4), key: key, example: [64, 8]).initialValues()
        #expect(
            try values.tensor(named: "hidden/weight").scalars(as: Float.self)
                == wider.tensor(named: "hidden/weight").scalars(as: Float.self))
        let other = try initialize(Perceptron(), key: RandomKey(seed: 2), example: [1, 8]).initialValues()
        #expect(
            try values.tensor(named: "hidden/weight").scalars(as: Float.self)
                != other.tensor(named: "hidden/weight").scalars(as: Float.self))
    }

    @Test("a partition makes its part of a parameter with the bits of the whole")
    func partsOfAParameter() throws {
        let weight = try initialize(Perceptron(), key: RandomKey(seed: 1), example: [1, 8]).parameters[0]
        let whole = try weight.initialValues().scalars(as: Float.self)
        let part = try weight.initializer.values(key: weight.key, elements: 33..<101, of: weight.shape)
        #expect(try part.scalars() == Array(whole[33..<101]))
    }

    @Test("a parameter that is asked for twice in one way is shared")
    func sharedParameters() throws {
        struct Tied: Model {
            func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
                try p["layer"].dense(p["layer"].dense(input, 4), 4)
            }
        }
        let declaration = try initialize(Tied(), key: RandomKey(seed: 1), example: [1, 4])
        #expect(declaration.parameters.map(\.name) == ["layer/weight", "layer/bias"])
    }

    @Test("a parameter that is asked for in two ways is refused by name")
    func conflictingParameters() {
        struct Conflicting: Model {
            func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
                try p["layer"].dense(p["layer"].dense(input, 5), 4)
            }
        }
        let error = #expect(throws: NeuralNetworkError.self) {
            try initialize(Conflicting(), key: RandomKey(seed: 1), example: [1, 4])
        }
        #expect(error?.code == .parameterConflict)
        #expect(error?.message.contains("layer/weight") == true)
    }

    @Test("a model may take another input than one tensor")
    func otherInputs() throws {
        struct Pair: Model {
            func callAsFunction(
                _ input: (Tensor<Float>, Tensor<Float>), _ p: ParameterScope
            ) throws -> Tensor<Float> {
                try p["left"].dense(input.0, 2) + p["right"].dense(input.1, 2)
            }
        }
        let left = try Tensor<Float>(.abstract(shape: [1, 3], dtype: .float32))
        let right = try Tensor<Float>(.abstract(shape: [1, 5], dtype: .float32))
        let declaration = try initialize(Pair(), key: RandomKey(seed: 1), example: (left, right))
        #expect(declaration.parameters.map(\.shape) == [[3, 2], [2], [5, 2], [2]])
    }
}
