import NIOCore

@testable import MeshWire

/// A host's own types as CBOR: the first byte chooses between a type of many shapes and one that takes any item. What
/// can be read can be written, and reads back the same.
enum CodableValues {
    static func decode(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let value = Array(bytes.dropFirst())
        if first % 2 == 0 { check(Shapes.self, value) } else { check(Item.self, value) }
    }

    static func seeds() -> [[UInt8]] {
        var full = Shapes()
        full.kinds = [.dot, .circle(radius: 1.5), .pair(.dot, .circle(radius: -0.0))]
        full.children = [Shapes()]
        full.children[0].maybe = "ä→"
        return [
            [0] + cbor(Shapes()), [0] + cbor(full), [1] + cbor(full),
            [
                1, 0x87, 0xF6, 0xF5, 0x38, 0x63, 0xF9, 0x3C, 0x00, 0x62, 0xC3, 0xBC, 0x42, 0x01, 0x02, 0xA1, 0x61, 0x61,
                0x80,
            ],
            [1, 0xC3, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    }

    private static func check<Value: Codable & Sendable>(_ type: Value.Type, _ bytes: [UInt8]) {
        guard let value = read(type, bytes) else { return }
        let written = cbor(value)
        guard let again = read(type, written) else { fatalError("\(type) does not read what it wrote") }
        // Swift's sets and dictionaries have no order.
        precondition(cbor(again).count == written.count, "\(type) changed on the way")
    }

    private static func read<Value: Codable & Sendable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        let field = SegmentField(number: 1, segment: Segment(copying: bytes))
        return (try? Payload(segments: [field]).decode(as: CodableMessage<Value>.self))?.value
    }

    private static func cbor<Value: Codable & Sendable>(_ value: Value) -> [UInt8] {
        let payload = Payload(CodableMessage(value))
        var decoder = MessageDecoder(head: payload.head, segments: payload.segments)
        guard (try? decoder.nextField()) == 1, let segment = try? decoder.segment() else {
            fatalError("\(value) cannot be written")
        }
        return unsafe segment.withUnsafeBytes { bytes in unsafe Array(bytes) }
    }
}

/// A value with properties of many types.
private struct Shapes: Codable, Sendable {
    enum Kind: Codable, Hashable, Sendable {
        case dot
        case circle(radius: Float)
        indirect case pair(Kind, Kind)
    }

    var flag = true
    var tiny: Int8 = -1
    var word: UInt16 = 300
    var number = -70_000
    var large = UInt64.max
    var huge = Int128.min
    var float: Float = 1.5
    var double = 0.1
    var text = "text"
    var blob: [UInt8] = [1, 2, 3]
    var maybe: String?
    var numbers: [Int?] = [1, nil]
    var names: [String: Bool] = ["a": true, "b": false]
    var places: [Int: Double] = [7: 1]
    var tags: Set<String> = ["x"]
    var range = 1..<9
    var kinds: [Kind] = []
    var children: [Shapes] = []
}

/// Any item that there is.
private indirect enum Item: Codable, Sendable {
    case null, bool(Bool), integer(Int128), number(Double), text(String), bytes([UInt8])
    case list([Item]), map([String: Item])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int128.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if (try? decoder.unkeyedContainer()) != nil {
            self = .list(try container.decode([Item].self))
        } else if let value = try? container.decode([UInt8].self) {
            self = .bytes(value)
        } else {
            self = .map(try container.decode([String: Item].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .bytes(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .map(let value): try container.encode(value)
        }
    }
}
