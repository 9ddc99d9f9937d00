public import Tensor

/// Where a model's parameters come from.
public struct ParameterSource: Sendable {
    private enum Kind {
        case tensors(NamedTensors)
        case safetensors(String)
    }

    private let kind: Kind

    /// Parameters that are in memory.
    public static func tensors(_ parameters: NamedTensors) -> ParameterSource {
        ParameterSource(kind: .tensors(parameters))
    }

    /// A safetensors file. It is read into memory: one that is cut short or overwritten while its model is served
    /// changes nothing.
    public static func safetensors(_ path: String) -> ParameterSource {
        ParameterSource(kind: .safetensors(path))
    }

    /// What error messages call the parameters.
    var description: String {
        switch kind {
        case .tensors: "the parameters"
        case .safetensors(let path): path
        }
    }

    func read() throws(ServingError) -> NamedTensors {
        switch kind {
        case .tensors(let parameters): return parameters
        case .safetensors(let path):
            do throws(TensorError) {
                return try Safetensors.read(path).mapValues { _, tensor throws(TensorError) in
                    try tensor.copied()
                }
            } catch {
                throw ServingError(.parametersUnreadable, "\(path): the parameters cannot be read", cause: error)
            }
        }
    }
}

extension AnyTensor {
    /// The same elements in memory of their own.
    fileprivate func copied() throws(TensorError) -> AnyTensor {
        try withBytes { bytes throws(TensorError) in
            // The closure copies; it keeps no pointer.
            unsafe try AnyTensor(copying: bytes, shape: shape, dtype: dtype)
        }
    }
}
