import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct MessageEncoderTests {
    // The bytes were computed by hand from protobuf's encoding specification.
    @Test("scalars are protobuf's bytes")
    func scalars() {
        #expect(encoded { $0.uint64(1, 150) } == [0x08, 0x96, 0x01])
        #expect(encoded { $0.uint32(16, 1) } == [0x80, 0x01, 0x01])
        #expect(encoded { $0.int64(1, -1) } == [0x08] + Array(repeating: 0xFF, count: 9) + [0x01])
        #expect(encoded { $0.bool(2, true) } == [0x10, 0x01])
        #expect(encoded { $0.fixed64(1, 1) } == [0x09, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(encoded { $0.double(1, 1) } == [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
        #expect(encoded { $0.float(1, 1) } == [0x0D, 0, 0, 0x80, 0x3F])
    }

    @Test("text, bytes, packed integers and embedded messages are protobuf's bytes")
    func delimited() {
        #expect(encoded { $0.string(2, "testing") } == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67])
        #expect(encoded { $0.bytes(3, [0xDE, 0xAD]) } == [0x1A, 0x02, 0xDE, 0xAD])
        #expect(encoded { $0.packed(4, [3, 270, 86_942]) } == [0x22, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
        var child = Everything()
        child.unsigned = 150
        #expect(encoded { $0.message(3, child) } == [0x1A, 0x03, 0x08, 0x96, 0x01])
        #expect(encoded { $0.message(3, EmptyMessage()) } == [0x1A, 0x00])
    }

    @Test("fields that are encoded already go in as they are")
    func raw() {
        let fields = encoded {
            $0.uint64(1, 150)
            $0.raw(ByteBuffer(bytes: [0x12, 0x01, 0x61]))
            $0.bool(3, true)
        }
        #expect(fields == [0x08, 0x96, 0x01, 0x12, 0x01, 0x61, 0x18, 0x01])
    }

    @Test("the largest field number takes five bytes")
    func largestField() {
        #expect(encoded { $0.uint64((1 << 29) - 1, 1) } == [0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 0x01])
    }

    @Test("values that equal their default are left out, elements of repeated fields are not")
    func defaults() {
        #expect(encoded { Everything().encode(to: &$0) }.isEmpty)
        #expect(encoded { $0.repeatedString(1, "") } == [0x0A, 0x00])
        #expect(encoded { $0.repeatedBytes(1, []) } == [0x0A, 0x00])
    }

    @Test("negative zero is no default")
    func negativeZero() throws {
        #expect(encoded { $0.double(1, -0.0) } == [0x09, 0, 0, 0, 0, 0, 0, 0, 0x80])
        #expect(encoded { $0.float(1, -0.0) } == [0x0D, 0, 0, 0, 0x80])
    }

    @Test(
        "an embedded message stands after its length, however long that is",
        arguments: [0, 1, 124, 125, 126, 20_000, 70_000])
    func embedded(_ count: Int) {
        let text = String(repeating: "x", count: count)
        let inner = encoded { $0.string(2, text) }
        var expected = ByteBuffer(bytes: [0x0A])
        expected.writeVarint(UInt64(inner.count))
        expected.writeBytes(inner)
        let bytes = encoded {
            $0.message(1, Metadata.Entry(key: "", value: text))
            $0.uint64(3, 1)
        }
        #expect(bytes == Array(expected.readableBytesView) + [0x18, 0x01])
    }

    @Test("segments leave the head alone")
    func segments() {
        var encoder = MessageEncoder()
        encoder.uint64(1, 1)
        encoder.segment(2, Segment(copying: [1, 2, 3]))
        encoder.segment(2, Segment(copying: []))
        #expect(Array(encoder.finish().readableBytesView) == [0x08, 0x01])
        #expect(encoder.segments.map(\.number) == [2, 2])
        #expect(encoder.segments.map(\.segment.array) == [[1, 2, 3], []])
    }

    @Test("what stands in the buffer before a message stays")
    func appending() {
        var encoder = MessageEncoder(appendingTo: ByteBuffer(bytes: [0xAA]))
        encoder.bool(1, true)
        #expect(Array(encoder.finish().readableBytesView) == [0xAA, 0x08, 0x01])
    }

    /// An embedded message of any fields.
    private struct Inner: MeshMessage {
        static let messageName = "test.Inner"
        var fields: [UInt64]

        init(_ fields: [UInt64]) { self.fields = fields }
        init(from decoder: inout MessageDecoder) throws(WireError) { fields = [] }
        func encode(to encoder: inout MessageEncoder) { for field in fields { encoder.uint64(1, field) } }
    }

    @Test(
        "what is gathered before it is written is the same bytes in the end", arguments: 1...20 as ClosedRange<UInt64>)
    func gathering(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var (encoder, plain) = (MessageEncoder(), ByteBuffer())
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let value = max(1, generator.anySize())
                switch Int.random(in: 0...4, using: &generator) {
                case 0:
                    encoder.uint64(1, value)
                    plain.writeVarint(1 << 3)
                    plain.writeVarint(value)
                case 1:
                    encoder.fixed64(300, value)
                    plain.writeVarint(300 << 3 | 1)
                    plain.writeInteger(value, endianness: .little)
                case 2:
                    let text = String(repeating: "x", count: Int.random(in: 1...20, using: &generator))
                    encoder.string(2, text)
                    plain.writeVarint(2 << 3 | 2)
                    plain.writeVarint(UInt64(text.utf8.count))
                    plain.writeString(text)
                case 3:
                    let values = (0..<Int.random(in: 1...30, using: &generator)).map { _ in generator.anySize() }
                    encoder.packed(3, values)
                    var packed = ByteBuffer()
                    for value in values { packed.writeVarint(value) }
                    plain.writeVarint(3 << 3 | 2)
                    plain.writeVarint(UInt64(packed.readableBytes))
                    plain.writeBuffer(&packed)
                default:
                    let values = (0..<Int.random(in: 0...30, using: &generator)).map { _ in max(1, generator.anySize())
                    }
                    encoder.message(4, Inner(values))
                    var inner = ByteBuffer()
                    for value in values {
                        inner.writeVarint(1 << 3)
                        inner.writeVarint(value)
                    }
                    plain.writeVarint(4 << 3 | 2)
                    plain.writeVarint(UInt64(inner.readableBytes))
                    plain.writeBuffer(&inner)
                }
                #expect(encoder.position == plain.writerIndex, "seed \(seed)")
            }
            #expect(encoder.finish() == plain, "seed \(seed)")
        }
    }
}
