public import MeshWire
public import Tensor

/// Asks a model for a prediction.
public struct PredictRequest: MeshMessage {
    /// The message's name on the wire.
    public static let messageName = "meshwork.serving.PredictRequest"

    /// The model's name.
    public var model: String
    /// The version, from 1; `nil` for the highest that is loaded.
    public var version: Int?
    /// The inputs by their declared names.
    public var inputs: NamedTensors
    /// The outputs that are wanted; none for all.
    public var outputs: [String]

    /// Makes a request.
    public init(model: String, version: Int? = nil, inputs: NamedTensors, outputs: [String] = []) {
        self.model = model
        self.version = version
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Reads a request; see ``encode(to:)``.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var model = ""
        var version: Int?
        var outputs: [String] = []
        var tensors = TensorListReader()
        while let field = try decoder.nextField() {
            switch field {
            case 1: model = try decoder.string()
            case 2: version = try decoder.count()
            case 3: try tensors.readHead(&decoder)
            case 4:
                guard outputs.count < ModelSignature.mostTensors else {
                    throw WireError(.tooLarge, "more than \(ModelSignature.mostTensors) outputs are asked for")
                }
                outputs.append(try decoder.string())
            case 16: try tensors.readContent(&decoder)
            default: break
            }
        }
        self.init(model: model, version: version, inputs: try tensors.tensors(), outputs: outputs)
    }

    /// Fields: 1 the model, 2 the version, 3 a head for each input, 4 the outputs' names, 16 the inputs' elements as
    /// segments in the order of the heads.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, model)
        if let version { encoder.int64(2, Int64(version)) }
        for (name, tensor) in inputs { encoder.message(3, TensorHead(name, tensor)) }
        for output in outputs { encoder.repeatedString(4, output) }
        for (_, tensor) in inputs { encoder.tensor(16, tensor) }
    }
}
