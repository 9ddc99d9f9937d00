import MeshWire
import NIOCore
import TestSupport

/// A message with a field of each type.
struct Everything: MeshMessage, Equatable {
    static let messageName = "test.Everything"

    var unsigned: UInt64 = 0
    var narrow: UInt32 = 0
    var signed: Int64 = 0
    var count = 0
    var flag = false
    var fixed: UInt64 = 0
    var double = 0.0
    var float: Float = 0
    var text = ""
    var bytes: [UInt8] = []
    var names: [String] = []
    var blobs: [[UInt8]] = []
    var packed: [UInt64] = []
    var children: [Everything] = []
    var segments: [[UInt8]] = []

    init() {}

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: unsigned = try decoder.uint64()
            case 2: narrow = try decoder.uint32()
            case 3: signed = try decoder.int64()
            case 4: count = try decoder.count()
            case 5: flag = try decoder.bool()
            case 6: fixed = try decoder.fixed64()
            case 7: double = try decoder.double()
            case 8: float = try decoder.float()
            case 9: text = try decoder.string()
            case 10: bytes = try decoder.bytes()
            case 11: names.append(try decoder.string())
            case 12: blobs.append(try decoder.bytes())
            case 13: try decoder.packed(into: &packed)
            case 14: children.append(try decoder.message())
            case 20: segments.append(try decoder.segment().array)
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, unsigned)
        encoder.uint32(2, narrow)
        encoder.int64(3, signed)
        encoder.uint64(4, UInt64(count))
        encoder.bool(5, flag)
        encoder.fixed64(6, fixed)
        encoder.double(7, double)
        encoder.float(8, float)
        encoder.string(9, text)
        encoder.bytes(10, bytes)
        for name in names { encoder.repeatedString(11, name) }
        for blob in blobs { encoder.repeatedBytes(12, blob) }
        encoder.packed(13, packed)
        for child in children { encoder.message(14, child) }
        for segment in segments { encoder.segment(20, Segment(copying: segment)) }
    }

    /// A random message; `depth` levels of children at most, and segments only at the top.
    static func random(using generator: inout SeededGenerator, depth: Int = 2, isTop: Bool = true) -> Everything {
        var message = Everything()
        let isSet = { (generator: inout SeededGenerator) in generator.next() % 2 == 0 }
        if isSet(&generator) { message.unsigned = generator.anySize() }
        if isSet(&generator) { message.narrow = UInt32(truncatingIfNeeded: generator.anySize()) }
        if isSet(&generator) { message.signed = Int64(bitPattern: generator.anySize()) }
        if isSet(&generator) { message.count = Int(generator.anySize() >> 1) }
        message.flag = isSet(&generator)
        if isSet(&generator) { message.fixed = generator.anySize() }
        if isSet(&generator) { message.double = Double.random(in: -1e9...1e9, using: &generator) }
        if isSet(&generator) { message.float = Float.random(in: -1e9...1e9, using: &generator) }
        if isSet(&generator) { message.text = generator.text(Int(generator.next() % 40)) }
        if isSet(&generator) { message.bytes = generator.bytes(Int(generator.next() % 200)) }
        let repeats = Int(generator.next() % 4)
        message.names = (0..<repeats).map { _ in generator.text(Int(generator.next() % 5)) }
        message.blobs = (0..<repeats).map { _ in generator.bytes(Int(generator.next() % 5)) }
        message.packed = (0..<repeats * 3).map { _ in generator.anySize() }
        if depth > 0 {
            message.children = (0..<repeats).map { _ in random(using: &generator, depth: depth - 1, isTop: false) }
        }
        if isTop { message.segments = (0..<repeats).map { _ in generator.bytes(Int(generator.next() % 5_000)) } }
        return message
    }
}

extension Segment {
    var array: [UInt8] {
        // The closure copies and keeps no pointer.
        unsafe withUnsafeBytes { bytes in unsafe Array(bytes) }
    }
}

/// Decodes fields by hand, for a closure that looks at single values.
func decode<Value>(
    _ bytes: [UInt8], segments: [SegmentField] = [], _ body: (inout MessageDecoder) throws(WireError) -> Value
) throws(WireError) -> Value {
    var decoder = MessageDecoder(head: ByteBuffer(bytes: bytes), segments: segments)
    return try body(&decoder)
}

/// The head that `body` writes.
func encoded(_ body: (inout MessageEncoder) -> Void) -> [UInt8] {
    var encoder = MessageEncoder()
    body(&encoder)
    return Array(encoder.finish().readableBytesView)
}

/// The code of the error that `body` throws, or `nil` if it throws none.
func wireError(_ body: () throws(WireError) -> Void) -> WireError.Code? {
    do throws(WireError) { try body() } catch { return error.code }
    return nil
}
