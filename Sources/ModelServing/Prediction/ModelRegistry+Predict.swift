import MeshWire
import Telemetry
import Tensor

extension ModelRegistry {
    /// Predicts, on the caller's thread.
    ///
    /// The request is checked against the model's signature first, so that nothing in it can make the model trap.
    ///
    /// - Throws: ``ServingError/Code/unknownModel``, ``ServingError/Code/invalidInput``,
    ///   ``ServingError/Code/modelFailed``.
    public func predict(_ request: PredictRequest) throws(ServingError) -> PredictResponse {
        let model = try model(request.model, version: request.version)
        let outputs = try predict(with: model, request.inputs, outputs: request.outputs)
        return PredictResponse(model: model.name, version: model.version, outputs: outputs)
    }

    /// Predicts with a model that has been looked up.
    func predict(
        with model: LoadedModel, _ inputs: NamedTensors, outputs names: [String]
    ) throws(ServingError) -> NamedTensors {
        do throws(ServingError) {
            try model.check(
                inputs.map {
                    RequestedTensor(
                        name: $0.name, dtypeName: $0.tensor.dtype.openInferenceName, shape: Array($0.tensor.shape))
                })
            try model.checkOutputs(names)
        } catch {
            model.metrics.rejected.increment()
            throw error
        }
        let start = runtime.now
        do throws(ServingError) {
            let batch = model.batch(of: inputs)
            let outputs = try model.outputs(of: inputs, batch: batch)
            model.metrics.compute.record(start.duration(to: runtime.now))
            model.metrics.succeeded.increment()
            model.metrics.examples.increment(by: UInt64(batch))
            return names.isEmpty ? outputs : outputs.selecting(names)
        } catch {
            model.metrics.failed.increment()
            throw error
        }
    }
}

extension LoadedModel {
    /// The number of examples in a request that has been checked; 1 for a model without a batch.
    fileprivate func batch(of inputs: NamedTensors) -> Int {
        guard let batched = signature.inputs.first(where: \.isBatched) else { return 1 }
        return inputs[batched.name]?.shape.first ?? 1
    }

    /// Runs the model, and holds it to its own declaration.
    fileprivate func outputs(of inputs: NamedTensors, batch: Int) throws(ServingError) -> NamedTensors {
        let made: NamedTensors
        do {
            made = try evaluate(inputs)
        } catch {
            throw ServingError(.modelFailed, "model '\(name)' version \(version) failed", cause: error)
        }
        var outputs = NamedTensors()
        for declared in signature.outputs {
            guard let tensor = made[declared.name], tensor.dtype == declared.dtype, !tensor.isAbstract,
                declared.accepts(tensor.shape), !declared.isBatched || tensor.shape.first == batch
            else {
                let found = made[declared.name].map { "\($0.dtype) \($0.shape)" } ?? "nothing"
                throw ServingError(
                    .modelFailed,
                    "model '\(name)' version \(version) made \(found) for its output '\(declared.name)', declared as "
                        + "\(declared.dtype) \(declared.shape), of \(batch) examples")
            }
            outputs[declared.name] = tensor
        }
        return outputs
    }
}

extension NamedTensors {
    /// The tensors of these names, in the names' order.
    fileprivate func selecting(_ names: [String]) -> NamedTensors {
        var selected = NamedTensors()
        for name in names { selected[name] = self[name] }
        return selected
    }
}
