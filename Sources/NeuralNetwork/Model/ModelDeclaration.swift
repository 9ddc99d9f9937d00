public import Tensor

/// A parameter as it is before it has values: all that a parameter server needs to make it, or just its part of it.
public struct ParameterDeclaration: Sendable, Hashable {
    /// The full name, which is its key everywhere.
    public let name: String
    /// The shape, or that of one row of a row table; the elements are float32.
    public let shape: Shape
    /// How the first values are made.
    public let initializer: Initializer
    /// The random key of the first values: the model's key folded with the name.
    public let key: RandomKey
    /// Whether it is a table of rows with keys, of which a model has those that its input looks up
    /// (``ParameterScope/rows(_:of:features:initializer:)``).
    public let isRowTable: Bool

    /// A declaration of these parts.
    public init(name: String, shape: Shape, initializer: Initializer, key: RandomKey, isRowTable: Bool = false) {
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.key = key
        self.isRowTable = isRowTable
    }

    /// The first values; of a row table none, as its rows begin to exist by and by: `[0, features]`.
    ///
    /// - Throws: `TensorError.Code.outOfMemory`.
    public func initialValues() throws(TensorError) -> AnyTensor {
        guard !isRowTable else { return try .zeros(Shape([0] + shape)) }
        return try initializer.values(key: key, shape: shape)
    }
}

/// The parameters of a model, found without any values.
public struct ModelDeclaration: Sendable, Hashable {
    /// The parameters, in the order in which the model first asks for them.
    public let parameters: [ParameterDeclaration]
    /// The shape of the output for the example input.
    public let outputShape: Shape

    /// The number of elements of all parameters but row tables.
    public var elementCount: Int { parameters.reduce(0) { $1.isRowTable ? $0 : $0 + $1.shape.elementCount } }

    /// The first values of all parameters, for training on one machine.
    ///
    /// - Throws: `TensorError.Code.outOfMemory`.
    public func initialValues() throws(TensorError) -> NamedTensors {
        var values = NamedTensors()
        for parameter in parameters { values[parameter.name] = try parameter.initialValues() }
        return values
    }
}

/// Finds a model's parameters by calling it once with an input of which only the shape counts.
///
/// A parameter's random key is `key` folded with its full name, so its first values depend neither on other parameters
/// nor on who makes them.
///
/// - Parameters:
///   - model: The model.
///   - key: The random key of the initialisation.
///   - example: An input like those to come; abstract tensors do (`AnyTensor.abstract(shape:dtype:)`), and
///     then nothing is computed.
/// - Throws: What the model throws; ``NeuralNetworkError/Code/parameterConflict``.
public func initialize<M: Model>(_ model: M, key: RandomKey, example: M.Input) throws -> ModelDeclaration {
    let recorder = ParameterRecorder()
    let output = try model(example, ParameterScope(recorder))
    return ModelDeclaration(
        parameters: recorder.requests.map { request in
            ParameterDeclaration(
                name: request.name, shape: request.shape, initializer: request.initializer,
                key: key.foldIn(request.name), isRowTable: request.isRowTable)
        },
        outputShape: output.shape)
}

/// Finds the parameters of a model of one float32 tensor by calling it once with a shape.
///
/// ```swift
/// let declaration = try initialize(Classifier(), key: RandomKey(seed: 7), example: [1, 784])
/// ```
///
/// - Throws: As for an example input.
public func initialize<M: Model>(
    _ model: M, key: RandomKey, example shape: Shape
) throws -> ModelDeclaration where M.Input == Tensor<Float> {
    try initialize(model, key: key, example: Tensor(.abstract(shape: shape, dtype: .float32)))
}
