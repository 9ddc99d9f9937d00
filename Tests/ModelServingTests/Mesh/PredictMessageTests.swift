import MeshWire
import Tensor
import Testing

@testable import ModelServing

struct PredictMessageTests {
    private struct Raw: MeshMessage {
        static let messageName = "raw"
        let write: @Sendable (inout MessageEncoder) -> Void
        init(_ write: @escaping @Sendable (inout MessageEncoder) -> Void) { self.write = write }
        init(from decoder: inout MessageDecoder) throws(WireError) { write = { _ in } }
        func encode(to encoder: inout MessageEncoder) { write(&encoder) }
    }

    private func sent<Message: MeshMessage>(_ message: some MeshMessage, as type: Message.Type) throws -> Message {
        var encoder = MessageEncoder()
        message.encode(to: &encoder)
        var decoder = MessageDecoder(head: encoder.finish(), segments: encoder.segments)
        return try Message(from: &decoder)
    }

    @Test("a request arrives as it was sent, with every element type and shape")
    func request() throws {
        let inputs = try NamedTensors([
            ("floats", AnyTensor([1, .nan, -0.0] as [Float], shape: [3, 1])),
            ("ints", AnyTensor([Int32.min, .max], shape: [2])),
            ("bools", AnyTensor([true, false, true, true], shape: [2, 2])),
            ("scalar", AnyTensor([7] as [Float], shape: [])),
            ("empty", .zeros([0, 5])),
        ])
        let sent = try sent(
            PredictRequest(model: "m", version: 3, inputs: inputs, outputs: ["b", "a"]), as: PredictRequest.self)
        #expect(sent.model == "m")
        #expect(sent.version == 3)
        #expect(sent.outputs == ["b", "a"])
        #expect(sent.inputs.names == inputs.names)
        for (name, tensor) in inputs {
            let arrived = try sent.inputs.tensor(named: name)
            #expect(arrived.dtype == tensor.dtype)
            #expect(arrived.shape == tensor.shape)
            let equal = tensor.withBytes { left in
                arrived.withBytes { right in unsafe left.elementsEqual(right) }
            }
            #expect(equal)
        }
    }

    @Test("a view that is not contiguous arrives with its own elements")
    func view() throws {
        let whole = try AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        let view = try whole.transposed()
        let sent = try sent(
            PredictResponse(model: "m", version: 1, outputs: NamedTensors([("y", view)])), as: PredictResponse.self)
        #expect(sent.version == 1)
        #expect(try sent.outputs.tensor(named: "y").scalars(as: Float.self) == [1, 4, 2, 5, 3, 6])
    }

    @Test("bytes that contradict the head, and heads that are no tensors, are refused")
    func malformed() throws {
        struct Head: MeshMessage {
            static let messageName = "head"
            var name = "x"
            var dtype: UInt32 = 1
            var shape: [UInt64] = [2]
            init(name: String = "x", dtype: UInt32 = 1, shape: [UInt64] = [2]) {
                self.name = name
                self.dtype = dtype
                self.shape = shape
            }
            init(from decoder: inout MessageDecoder) throws(WireError) {}
            func encode(to encoder: inout MessageEncoder) {
                encoder.string(1, name)
                encoder.uint32(2, dtype)
                encoder.packed(3, shape)
            }
        }
        let eight = Segment(copying: [UInt8](repeating: 0, count: 8))
        let cases: [([Head], [Segment], String)] = [
            ([Head()], [], "1 tensors are described and 0 sent"),
            ([], [eight], "0 tensors are described and 1 sent"),
            ([Head(shape: [3])], [eight], "takes 12 bytes, not 8"),
            ([Head(shape: [1])], [eight], "takes 4 bytes, not 8"),
            ([Head(dtype: 0)], [eight], "unknown element type 0"),
            ([Head(dtype: 257)], [eight], "unknown element type 257"),
            ([Head(shape: [.max, 2])], [eight], "cannot be addressed"),
            ([Head(shape: [UInt64](repeating: 1, count: 9))], [eight], "at most 8 axes"),
            ([Head(name: String(repeating: "n", count: 257))], [eight], "257 bytes"),
            ([Head(), Head()], [eight, eight], "sent twice"),
            ([Head(dtype: 3, shape: [8])], [Segment(copying: [0, 1, 0, 2, 0, 0, 0, 0])], "not 0 or 1"),
            (Array(repeating: Head(), count: 65), [], "more than 64 tensors"),
        ]
        for (heads, segments, text) in cases {
            let raw = Raw { encoder in
                encoder.string(1, "m")
                for head in heads { encoder.message(3, head) }
                for segment in segments { encoder.segment(16, segment) }
            }
            let error = #expect(throws: WireError.self) { try sent(raw, as: PredictRequest.self) }
            #expect(error?.message.contains(text) == true, "\(text): \(error?.message ?? "")")
        }
    }
}
