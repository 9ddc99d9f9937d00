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
            if let place = try tensor.firstNonFinite() {
                throw ServingError(
                    .resultNotRepresentable,
                    "element \(place) of output '\(name)' is NaN or infinite, which JSON cannot carry")
            }
            switch tensor.dtype {
            case .float64: try data(of: tensor, as: Double.self, to: &json) { $0.number($1) }
            case .float32: try data(of: tensor, as: Float.self, to: &json) { $0.number($1) }
            case .bfloat16: try data(of: tensor, as: BFloat16.self, to: &json) { $0.number(Float($1)) }
            case .float16: try data(of: tensor, as: Float16.self, to: &json) { $0.number(Float($1)) }
            case .int64: try data(of: tensor, as: Int64.self, to: &json) { $0.integer($1) }
            case .int32: try data(of: tensor, as: Int32.self, to: &json) { $0.integer($1) }
            case .int16: try data(of: tensor, as: Int16.self, to: &json) { $0.integer($1) }
            case .int8: try data(of: tensor, as: Int8.self, to: &json) { $0.integer($1) }
            case .uint64: try data(of: tensor, as: UInt64.self, to: &json) { $0.integer($1) }
            case .uint32: try data(of: tensor, as: UInt32.self, to: &json) { $0.integer($1) }
            case .uint16: try data(of: tensor, as: UInt16.self, to: &json) { $0.integer($1) }
            case .uint8: try data(of: tensor, as: UInt8.self, to: &json) { $0.integer($1) }
            case .bool: try data(of: tensor, as: Bool.self, to: &json) { $0.bool($1) }
            }
        } catch let error as ServingError {
            throw error
        } catch {
            throw ServingError(.modelFailed, "output '\(name)' cannot be read", cause: error)
        }
    }

    private func data<Scalar: TensorScalar>(
        of tensor: AnyTensor, as type: Scalar.Type, to json: inout JSONWriter,
        _ one: (inout JSONWriter, Scalar) -> Void
    ) throws(TensorError) {
        let values = try tensor.scalars(as: type)
        json.member("data") { json in json.array { json in values.forEach { one(&json, $0) } } }
    }
}
