public import MeshWire
public import Tensor

/// A model's prediction.
public struct PredictResponse: MeshMessage {
    /// The message's name on the wire.
    public static let messageName = "meshwork.serving.PredictResponse"

    /// The model that answered.
    public var model: String
    /// Its version.
    public var version: Int
    /// The outputs by their declared names, in the order in which they were asked for or declared.
    public var outputs: NamedTensors

    /// Makes a response.
    public init(model: String, version: Int, outputs: NamedTensors) {
        self.model = model
        self.version = version
        self.outputs = outputs
    }

    /// Reads a response; see ``encode(to:)``.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var model = ""
        var version = 0
        var tensors = TensorListReader()
        while let field = try decoder.nextField() {
            switch field {
            case 1: model = try decoder.string()
            case 2: version = try decoder.count()
            case 3: try tensors.readHead(&decoder)
            case 16: try tensors.readContent(&decoder)
            default: break
            }
        }
        self.init(model: model, version: version, outputs: try tensors.tensors())
    }

    /// Fields: 1 the model, 2 the version, 3 a head for each output, 16 the outputs' elements as segments in the order
    /// of the heads.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, model)
        encoder.int64(2, Int64(version))
        for (name, tensor) in outputs { encoder.message(3, TensorHead(name, tensor)) }
        for (_, tensor) in outputs { encoder.tensor(16, tensor) }
    }
}
