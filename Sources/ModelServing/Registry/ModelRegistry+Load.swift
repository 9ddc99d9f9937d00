public import NeuralNetwork
public import Tensor

extension ModelRegistry {
    /// Loads a model of one float32 tensor with its parameters.
    ///
    /// The model is called with shapes only (``/NeuralNetwork/initialize(_:key:example:)-(_,_,Shape)``), to find out
    /// which parameters it asks for and which shape its output has. The parameters must be exactly those: of the same
    /// names and shapes, float32 and finite.
    ///
    /// - Parameters:
    ///   - name: letters, digits, `.`, `_` and `-`; it stands in paths.
    ///   - version: from 1.
    ///   - source: the parameters.
    ///   - input: the model's input; its first axis is -1 where requests may carry several examples.
    ///   - output: the name of the model's output.
    ///   - maximumBatch: the most examples in one request.
    /// - Throws: ``ServingError/Code/parametersUnreadable``; ``ServingError/Code/parametersMismatch`` that names the
    ///   tensor; ``ServingError/Code/modelFailed`` if the model does not take the declared input; as
    ///   ``add(_:version:signature:evaluate:)``.
    public func load<M: Model>(
        _ name: String, version: Int, from source: ParameterSource, as model: M, input: TensorDeclaration,
        output: String, maximumBatch: Int = 4_096
    ) throws(ServingError) where M.Input == Tensor<Float> {
        let traced = try TracedModel(model, name: name, input: input)
        let parameters = try source.read()
        try traced.check(parameters, from: source.description)
        let signature = ModelSignature(
            inputs: [input], outputs: [TensorDeclaration(output, shape: traced.outputShape)], maximumBatch: maximumBatch
        )
        let scope = ParameterScope(parameters)
        try add(name, version: version, signature: signature) { inputs in
            let result = try model(Tensor<Float>(inputs.tensor(named: input.name)), scope)
            return try NamedTensors([(output, result.core)])
        }
    }
}

/// What a call of a model with shapes only has shown.
struct TracedModel {
    let parameters: [ParameterDeclaration]
    /// With -1 for the batch.
    let outputShape: [Int]
    private let name: String

    init<M: Model>(
        _ model: M, name: String, input: TensorDeclaration
    ) throws(ServingError) where M.Input == Tensor<Float> {
        self.name = name
        func trace(batch: Int) throws(ServingError) -> ModelDeclaration {
            do {
                // The key has no part in shapes.
                return try initialize(model, key: RandomKey(seed: 0), example: input.shape(batch: batch))
            } catch {
                throw ServingError(
                    .modelFailed, "model '\(name)' does not take its input '\(input.name)' \(input.shape)", cause: error
                )
            }
        }
        guard input.dtype == .float32 else {
            throw ServingError(
                .invalidDeclaration, "model '\(name)': its input '\(input.name)' is float32, not \(input.dtype)")
        }
        // Not 1, which broadcasts: a model that takes 2 and 3 examples takes any number.
        let first = try trace(batch: 2)
        parameters = first.parameters
        guard input.isBatched else {
            outputShape = Array(first.outputShape)
            return
        }
        let second = try trace(batch: 3)
        guard first.parameters == second.parameters else {
            throw ServingError(
                .invalidDeclaration, "model '\(name)' asks for other parameters when a request has more examples")
        }
        let shapes = (Array(first.outputShape), Array(second.outputShape))
        if shapes.0 == shapes.1 {
            outputShape = shapes.0
        } else if shapes.0.first == 2, shapes.1.first == 3, shapes.0.dropFirst() == shapes.1.dropFirst() {
            outputShape = [-1] + shapes.0.dropFirst()
        } else {
            throw ServingError(
                .invalidDeclaration,
                "model '\(name)' makes \(shapes.0) of 2 examples and \(shapes.1) of 3: only the first axis may follow "
                    + "the batch")
        }
    }

    /// Throws unless `found` are the model's parameters and nothing else.
    func check(_ found: NamedTensors, from source: String) throws(ServingError) {
        func mismatch(_ message: String) -> ServingError {
            ServingError(.parametersMismatch, "\(source): \(message)")
        }
        for parameter in parameters {
            guard let tensor = found[parameter.name] else {
                throw mismatch(
                    "tensor '\(parameter.name)' \(parameter.shape), which model '\(name)' needs, is missing")
            }
            guard tensor.shape == parameter.shape, tensor.dtype == .float32 else {
                throw mismatch(
                    "tensor '\(parameter.name)' is \(tensor.dtype) \(tensor.shape), but model '\(name)' needs float32 "
                        + "\(parameter.shape)")
            }
            let place: Int?
            do throws(TensorError) {
                place = try tensor.firstNonFinite()
            } catch {
                throw ServingError(.parametersUnreadable, "\(source): tensor '\(parameter.name)'", cause: error)
            }
            if let place { throw mismatch("tensor '\(parameter.name)' is not finite at element \(place)") }
        }
        let known = Set(parameters.map(\.name))
        if let extra = found.names.first(where: { !known.contains($0) }) {
            throw mismatch("tensor '\(extra)' is none that model '\(name)' has")
        }
    }
}
