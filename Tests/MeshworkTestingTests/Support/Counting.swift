import MeshTransport
import MeshWire

/// A number, sent there and back.
struct Number: MeshMessage, Equatable {
    static let messageName = "test.Number"

    var value: UInt64

    init(_ value: UInt64) { self.value = value }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        value = 0
        while let field = try decoder.nextField() {
            if field == 1 { value = try decoder.uint64() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, value) }
}

enum Counting: MeshService {
    static let name: ServiceName = "test.Counting"
    static let add = unary("Add", Number.self, Number.self, retry: .idempotent)
    static let addOnce = unary("AddOnce", Number.self, Number.self, retry: .never)
    static let addExactlyOnce = unary("AddExactlyOnce", Number.self, Number.self, retry: .deduplicated)
    static let count = unary("Count", Block.self, Number.self, retry: .idempotent)
    static let echo = bidirectional("Echo", Number.self, Number.self)
}

/// Bytes that are sent one way.
struct Block: MeshMessage {
    static let messageName = "test.Block"

    var bytes: Segment

    init(_ count: Int) { bytes = Segment(copying: [UInt8](repeating: 7, count: count)) }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        bytes = Segment(copying: [])
        while let field = try decoder.nextField() {
            if field == 1 { bytes = try decoder.segment() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.segment(1, bytes) }
}
