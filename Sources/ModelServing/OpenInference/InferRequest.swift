import Tensor

/// The body of an `infer` request, read but for the tensors' elements.
///
/// The elements of a tensor may stand before its shape and type, so a first walk checks the whole text and notes where
/// they are, and a second one, ``tensors(for:)``, reads them once the model has agreed to what was announced.
/// `parameters` are checked to be objects and otherwise ignored, as the protocol allows; unknown members are skipped.
struct InferRequest {
    /// What the answer repeats.
    private(set) var id: String?
    /// The outputs that are wanted; none for all.
    private(set) var outputs: [String] = []
    private var inputs: [(tensor: RequestedTensor, data: Range<Int>)] = []
    private let text: JSONReader

    init(parsing body: [UInt8]) throws(ServingError) {
        text = JSONReader(body)
        var reader = text
        var hasInputs = false
        try reader.object { reader, name throws(ServingError) in
            switch name {
            case "id":
                if try !reader.null() { id = try reader.string() }
            case "parameters":
                try reader.skipParameters()
            case "inputs":
                hasInputs = true
                try reader.array { reader throws(ServingError) in
                    guard inputs.count < ModelSignature.mostTensors else {
                        throw reader.malformed("more than \(ModelSignature.mostTensors) inputs")
                    }
                    inputs.append(try Self.input(&reader))
                }
            case "outputs":
                if try reader.null() { return }
                try reader.array { reader throws(ServingError) in
                    guard outputs.count < ModelSignature.mostTensors else {
                        throw reader.malformed("more than \(ModelSignature.mostTensors) outputs")
                    }
                    outputs.append(try Self.output(&reader))
                }
            default:
                _ = try reader.skip()
            }
        }
        try reader.end()
        guard hasInputs else {
            throw ServingError(
                .malformedRequest, "Unable to parse 'inputs': attempt to access non-existing object member")
        }
    }

    /// The request's tensors, if they are those that `model` takes.
    func tensors(for model: LoadedModel) throws(ServingError) -> NamedTensors {
        try model.check(inputs.map(\.tensor))
        try model.checkOutputs(outputs)
        var tensors = NamedTensors()
        for (tensor, data) in inputs {
            let declared = model.signature.inputs.first { $0.name == tensor.name }
            guard let declared else { continue }
            tensors[tensor.name] = try TensorElements(tensor, range: data, of: text).read(as: declared.dtype)
        }
        return tensors
    }

    private static func input(
        _ reader: inout JSONReader
    ) throws(ServingError) -> (RequestedTensor, Range<Int>) {
        var name: String?
        var dtypeName: String?
        var shape: [Int]?
        var data: Range<Int>?
        try reader.object { reader, member throws(ServingError) in
            switch member {
            case "name": name = try reader.string()
            case "datatype": dtypeName = try reader.string()
            case "shape":
                var lengths: [Int] = []
                try reader.array { reader throws(ServingError) in
                    guard lengths.count < Shape.maximumRank else {
                        throw reader.malformed("a shape has at most \(Shape.maximumRank) axes")
                    }
                    lengths.append(try reader.integer())
                }
                shape = lengths
            case "parameters": try reader.skipParameters()
            case "data": data = try reader.skip()
            default: _ = try reader.skip()
            }
        }
        guard let name else { throw reader.malformed("an input without a name") }
        guard let dtypeName, let shape, let data else {
            throw reader.malformed("input '\(name)' lacks datatype, shape or data")
        }
        return (RequestedTensor(name: name, dtypeName: dtypeName, shape: shape), data)
    }

    private static func output(_ reader: inout JSONReader) throws(ServingError) -> String {
        var name: String?
        try reader.object { reader, member throws(ServingError) in
            switch member {
            case "name": name = try reader.string()
            case "parameters": try reader.skipParameters()
            default: _ = try reader.skip()
            }
        }
        guard let name else { throw reader.malformed("an output without a name") }
        return name
    }
}

extension JSONReader {
    /// Skips an object of parameters, or `null` in its place.
    fileprivate mutating func skipParameters() throws(ServingError) {
        if try null() { return }
        try object { reader, _ throws(ServingError) in _ = try reader.skip() }
    }
}
