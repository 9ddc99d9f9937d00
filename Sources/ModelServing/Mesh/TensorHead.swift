import MeshWire
import Tensor

/// What a message says of a tensor whose elements are one of its segments.
struct TensorHead: MeshMessage {
    static let messageName = "meshwork.serving.TensorHead"

    var name: String
    var dtype: DType
    var shape: Shape

    init(_ name: String, _ tensor: AnyTensor) {
        self.name = name
        dtype = tensor.dtype
        shape = tensor.shape
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        var name = ""
        var number: UInt32 = 0
        var dimensions: [UInt64] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: number = try decoder.uint32()
            case 3: try decoder.packed(into: &dimensions)
            default: break
            }
        }
        guard name.utf8.count <= ModelSignature.longestName else {
            throw WireError(.tooLarge, "a tensor's name has \(name.utf8.count) bytes")
        }
        guard let dtype = UInt8(exactly: number).flatMap(DType.init(rawValue:)) else {
            throw WireError(.malformed, "tensor '\(name)' has the unknown element type \(number)")
        }
        do throws(TensorError) {
            // A length that does not fit an Int is larger than any shape allows.
            shape = try Shape(dimensions.map { Int(exactly: $0) ?? .max })
        } catch {
            throw WireError(.malformed, "tensor '\(name)': \(error.message)")
        }
        self.name = name
        self.dtype = dtype
    }

    /// Fields: 1 the name, 2 the element type's number, 3 the shape.
    func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.uint32(2, UInt32(dtype.rawValue))
        encoder.packed(3, shape.map { UInt64($0) })
    }
}

/// Puts the heads and the segments of a message's tensors together.
struct TensorListReader {
    private var heads: [TensorHead] = []
    private var contents: [Segment] = []

    mutating func readHead(_ decoder: inout MessageDecoder) throws(WireError) {
        try check(heads.count)
        heads.append(try decoder.message())
    }

    mutating func readContent(_ decoder: inout MessageDecoder) throws(WireError) {
        try check(contents.count)
        contents.append(try decoder.segment())
    }

    /// The tensors, which show the segments' bytes without a copy.
    func tensors() throws(WireError) -> NamedTensors {
        guard heads.count == contents.count else {
            throw WireError(.malformed, "\(heads.count) tensors are described and \(contents.count) sent")
        }
        var tensors = NamedTensors()
        for (head, content) in zip(heads, contents) {
            guard tensors[head.name] == nil else {
                throw WireError(.malformed, "tensor '\(head.name)' is sent twice")
            }
            // The owner keeps the bytes valid and nobody writes to a segment.
            let (bytes, owner) = unsafe content.retained
            do throws(TensorError) {
                tensors[head.name] = unsafe try AnyTensor.adopting(
                    bytes, owner: owner, shape: head.shape, dtype: head.dtype)
            } catch {
                throw WireError(.malformed, "tensor '\(head.name)': \(error.message)")
            }
        }
        return tensors
    }

    private func check(_ count: Int) throws(WireError) {
        guard count < ModelSignature.mostTensors else {
            throw WireError(.tooLarge, "a message has more than \(ModelSignature.mostTensors) tensors")
        }
    }
}

extension MessageEncoder {
    /// Writes a tensor's elements as a segment, without a copy if they are contiguous.
    mutating func tensor(_ field: UInt32, _ tensor: AnyTensor) {
        let (bytes, owner) = unsafe tensor.retainedBytes()
        // The owner keeps the bytes valid, and no tensor writes to storage that it does not hold alone.
        segment(field, unsafe Segment(unsafeBytes: bytes, owner: owner))
    }
}
