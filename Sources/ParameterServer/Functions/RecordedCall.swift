import MeshWire
package import Tensor

/// A call of an updating function as a record has it: what it needs to be run again, and what it came to at the head.
package struct RecordedCall: Sendable {
    package var function: FunctionID
    /// The argument's bytes, with one axis.
    package var argument: AnyTensor
    /// The keys of the rows, uint64; `nil` where the table is dense.
    package var keys: AnyTensor?
    /// What the head was given, and everybody keeps: an answer may be encoded in several ways.
    package var answer: [UInt8]
    /// The CRC32C of what the function left at the head.
    package var checksum: UInt32

    package init(
        function: FunctionID, argument: AnyTensor, keys: AnyTensor?, answer: [UInt8] = [], checksum: UInt32 = 0
    ) {
        self.function = function
        self.argument = argument
        self.keys = keys
        self.answer = answer
        self.checksum = checksum
    }

    var byteCount: Int { argument.byteCount + (keys?.byteCount ?? 0) + answer.count }

    /// All but the tensors.
    var head: Head { Head(function: function, answer: answer, checksum: checksum) }

    struct Head: MeshMessage {
        static let messageName = "meshwork.parameters.RecordedCall"

        var function = FunctionID(name: "", version: 0)
        var answer: [UInt8] = []
        var checksum: UInt32 = 0

        init(function: FunctionID, answer: [UInt8], checksum: UInt32) {
            self.function = function
            self.answer = answer
            self.checksum = checksum
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            while let field = try decoder.nextField() {
                switch field {
                case 1: function = try decoder.message()
                case 2: answer = try decoder.bytes()
                case 3: checksum = try decoder.uint32()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.message(1, function)
            encoder.bytes(2, answer)
            encoder.uint32(3, checksum)
        }
    }
}

/// What an updating function has made of a partition, which does not have it yet.
struct FunctionOutcome: Sendable {
    /// The elements; of a row table those of the rows that exist.
    var parameters: AnyTensor
    /// What the rule remembers of the elements, in its order.
    var slots: [AnyTensor]
    /// The rows, of a row table.
    var keys: AnyTensor?
    var answer: [UInt8]

    /// The CRC32C of all values.
    var checksum: UInt32 {
        var checksum = CRC32C()
        for tensor in [parameters] + slots {
            // Read within the closure alone.
            tensor.withBytes { unsafe checksum.append($0) }
        }
        return checksum.value
    }
}
