import Tensor

/// What a request says of a tensor that it carries, before a byte of the tensor is read.
struct RequestedTensor {
    var name: String
    /// The element type as the Open Inference Protocol names it, known or not.
    var dtypeName: String
    var shape: [Int]
}

extension LoadedModel {
    /// Throws unless `inputs` are exactly the tensors that the model takes.
    ///
    /// After this nothing in a request's form can make the model fail. The messages are those of NVIDIA Triton, which
    /// clients of the protocol know.
    func check(_ inputs: [RequestedTensor]) throws(ServingError) {
        var batch: (count: Int, name: String)?
        var seen: Set<String> = []
        for input in inputs {
            guard let declared = signature.inputs.first(where: { $0.name == input.name }) else {
                throw invalid("unexpected inference input '\(input.name)' for model '\(name)'")
            }
            guard seen.insert(input.name).inserted else {
                throw invalid("input '\(input.name)' already exists in request")
            }
            guard input.dtypeName == declared.dtype.openInferenceName else {
                throw invalid(
                    "inference input '\(input.name)' data-type is '\(input.dtypeName)', but model '\(name)' expects "
                        + "'\(declared.dtype.openInferenceName)'")
            }
            guard declared.accepts(input.shape) else {
                throw invalid(
                    "unexpected shape for input '\(input.name)' for model '\(name)'. Expected "
                        + "\(Self.text(declared.shape)), got \(Self.text(input.shape))")
            }
            guard declared.isBatched, let count = input.shape.first else { continue }
            guard count <= signature.maximumBatch else {
                throw invalid(
                    "input '\(input.name)' has a batch of \(count), but model '\(name)' takes at most "
                        + "\(signature.maximumBatch)")
            }
            if let batch, batch.count != count {
                throw invalid(
                    "input '\(input.name)' has a batch of \(count), but input '\(batch.name)' one of \(batch.count)")
            }
            batch = (count, input.name)
        }
        try checkCompleteness(seen, inputs)
    }

    /// Throws unless every one of `names` is an output of the model, and none is named twice.
    func checkOutputs(_ names: [String]) throws(ServingError) {
        var seen: Set<String> = []
        for output in names {
            guard signature.outputs.contains(where: { $0.name == output }) else {
                throw invalid("unexpected inference output '\(output)' for model '\(name)'")
            }
            guard seen.insert(output).inserted else {
                throw invalid("output '\(output)' already exists in request")
            }
        }
    }

    private func checkCompleteness(_ seen: Set<String>, _ inputs: [RequestedTensor]) throws(ServingError) {
        let missing = signature.inputs.map(\.name).filter { !seen.contains($0) }
        guard !missing.isEmpty else { return }
        func list(_ names: [String]) -> String { "[" + names.map { "'\($0)'" }.joined(separator: ",") + "]" }
        throw invalid(
            "expected \(signature.inputs.count) inputs but got \(inputs.count) inputs for model '\(name)'. Got input(s) "
                + "\(list(inputs.map(\.name))), but missing required input(s) \(list(missing))")
    }

    private func invalid(_ message: String) -> ServingError { ServingError(.invalidInput, message) }

    private static func text(_ shape: [Int]) -> String {
        "[" + shape.map(String.init).joined(separator: ",") + "]"
    }
}
