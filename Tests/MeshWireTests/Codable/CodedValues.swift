import MeshWire
import NIOCore
import TestSupport

/// The CBOR that `value` travels as, or why it does not.
func encode<Value: Codable & Sendable>(_ value: Value) throws(WireError) -> [UInt8] {
    let payload = Payload(CodableMessage(value))
    var decoder = MessageDecoder(head: payload.head, segments: payload.segments)
    var bytes: [UInt8] = []
    while let field = try decoder.nextField() {
        if field == 1 { bytes = try decoder.segment().array }
        if field == 2 { throw WireError(.malformed, try decoder.string()) }
    }
    return bytes
}

/// The value that `bytes` of CBOR are.
func decode<Value: Codable & Sendable>(_ type: Value.Type, _ bytes: [UInt8]) throws(WireError) -> Value {
    let head = encoded { $0.repeatedBytes(1, bytes) }
    return try Payload(head: ByteBuffer(bytes: head)).decode(as: CodableMessage<Value>.self).value
}

/// What `value` is after it has travelled.
func travelled<Value: Codable & Sendable>(_ value: Value) throws(WireError) -> Value {
    try decode(Value.self, encode(value))
}

/// The message of the error that `body` throws.
func refusal(_ body: () throws(WireError) -> Void) -> String? {
    do throws(WireError) { try body() } catch { return error.message }
    return nil
}

/// Pairs of digits, with spaces wherever.
func bytes(_ digits: String) -> [UInt8] {
    let digits = Array(digits.filter { $0 != " " })
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
}

/// A value with properties of many types.
struct Shape: Codable, Equatable, Sendable {
    enum Kind: Codable, Hashable, Sendable {
        case point
        case circle(radius: Double)
        indirect case both(Kind, Kind)
    }
    enum Colour: String, Codable, Sendable { case red, green = "vert" }

    var flag = false
    var tiny: Int8 = 0
    var small: Int16 = 0
    var middle: Int32 = 0
    var large: Int64 = 0
    var huge: Int128 = 0
    var byte: UInt8 = 0
    var word: UInt16 = 0
    var index: UInt32 = 0
    var number: UInt64 = 0
    var vast: UInt128 = 0
    var float: Float = 0
    var double = 0.0
    var text = ""
    var blob: [UInt8] = []
    var numbers: [Int] = []
    var missing: Int?
    var sparse: [Double?] = []
    var names: [String: Int] = [:]
    var places: [Int: String] = [:]
    var kinds: [Kind: UInt8] = [:]
    var kind = Kind.point
    var colour = Colour.red
    var tags: Set<String> = []
    var range = 0..<1
    var children: [Shape] = []

    /// A random one; `depth` levels of children at most.
    static func random(using generator: inout SeededGenerator, depth: Int = 2) -> Shape {
        var shape = Shape()
        let repeats = Int(generator.next() % 4)
        shape.flag = generator.next() % 2 == 0
        shape.tiny = Int8(truncatingIfNeeded: generator.anySize())
        shape.small = Int16(truncatingIfNeeded: generator.anySize())
        shape.middle = Int32(truncatingIfNeeded: generator.anySize())
        shape.large = Int64(bitPattern: generator.anySize())
        shape.huge = Int128(truncatingIfNeeded: generator.anySize()) << Int128(generator.next() % 65)
        if generator.next() % 2 == 0 { shape.huge = ~shape.huge }
        shape.byte = UInt8(truncatingIfNeeded: generator.next())
        shape.word = UInt16(truncatingIfNeeded: generator.anySize())
        shape.index = UInt32(truncatingIfNeeded: generator.anySize())
        shape.number = generator.anySize()
        shape.vast = UInt128(generator.anySize()) << UInt128(generator.next() % 65)
        shape.float = Float.random(in: -1e9...1e9, using: &generator)
        shape.double = Double.random(in: -1e9...1e9, using: &generator)
        shape.text = generator.text(Int(generator.next() % 40))
        shape.blob = generator.bytes(Int(generator.next() % 300))
        shape.numbers = (0..<repeats * 3).map { _ in Int(truncatingIfNeeded: generator.anySize()) }
        shape.missing = generator.next() % 2 == 0 ? Int(truncatingIfNeeded: generator.next()) : nil
        shape.sparse = (0..<repeats).map { _ in generator.next() % 2 == 0 ? nil : Double(generator.next()) }
        for _ in 0..<Int(generator.next() % 24) { shape.names[generator.text(4)] = Int(generator.next() >> 32) }
        for _ in 0..<repeats { shape.places[Int(truncatingIfNeeded: generator.anySize())] = generator.text(3) }
        shape.kind = kind(using: &generator, depth: 3)
        for _ in 0..<repeats { shape.kinds[kind(using: &generator, depth: 2)] = 1 }
        shape.colour = generator.next() % 2 == 0 ? .red : .green
        shape.tags = Set((0..<repeats).map { _ in generator.text(20) })
        shape.range = 0..<Int(generator.next() >> 40)
        if depth > 0 { shape.children = (0..<repeats).map { _ in random(using: &generator, depth: depth - 1) } }
        return shape
    }

    private static func kind(using generator: inout SeededGenerator, depth: Int) -> Kind {
        switch generator.next() % (depth > 0 ? 3 : 2) {
        case 0: .point
        case 1: .circle(radius: Double(generator.next() >> 40))
        default: .both(kind(using: &generator, depth: depth - 1), kind(using: &generator, depth: depth - 1))
        }
    }
}
