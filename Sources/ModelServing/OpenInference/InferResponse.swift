import MeshHTTP
import Tensor

/// The answer to an `infer` request.
struct InferResponse {
    /// What the request said; repeated.
    var id: String?
    var model: LoadedModel
    var outputs: NamedTensors

    /// The answer as JSON, elements flat and row-major.
    ///
    /// - Throws: ``ServingError/Code/resultNotRepresentable`` for an element that is NaN or infinite.
    func json() throws(ServingError) -> [UInt8] {
        // A float takes about ten characters.
        let elementCount = outputs.reduce(0) { $0 + $1.tensor.elementCount }
        var json = JSONWriter(capacity: 256 + 12 * elementCount)
        try json.object { json throws(ServingError) in
            if let id { json.member("id") { $0.string(id) } }
            json.member("model_name") { $0.string(model.name) }
            json.member("model_version") { $0.string(String(model.version)) }
            try json.member("outputs") { json throws(ServingError) in
                try json.array { json throws(ServingError) in
                    for (name, tensor) in outputs {
                        try json.object { json throws(ServingError) in try write(name, tensor, to: &json) }
                    }
                }
            }
        }
        return json.bytes
    }

    private func write(_ name: String, _ tensor: AnyTensor, to json: inout JSONWriter) throws(ServingError) {
        json.member("name") { $0.string(name) }
        json.member("datatype") { $0.string(tensor.dtype.openInferenceName) }
        json.member("shape") { json in json.array { json in tensor.shape.forEach { json.integer($0) } } }
        do {
            switch tensor.dtype {
            case .float32:
                if let place = try tensor.firstNonFinite() {
                    throw ServingError(
                        .resultNotRepresentable,
                        "element \(place) of output '\(name)' is NaN or infinite, which JSON cannot carry")
                }
                let values = try tensor.scalars(as: Float.self)
                json.member("data") { json in json.array { json in values.forEach { json.number($0) } } }
            case .int32:
                let values = try tensor.scalars(as: Int32.self)
                json.member("data") { json in json.array { json in values.forEach { json.integer($0) } } }
            case .bool:
                let values = try tensor.scalars(as: Bool.self)
                json.member("data") { json in json.array { json in values.forEach { json.bool($0) } } }
            }
        } catch let error as ServingError {
            throw error
        } catch {
            throw ServingError(.modelFailed, "output '\(name)' cannot be read", cause: error)
        }
    }
}
