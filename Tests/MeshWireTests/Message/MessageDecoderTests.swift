import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct MessageDecoderTests {
    @Test("every message comes back as it was sent", arguments: [1 as UInt64, 2, 3, 4])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(60) {
            let message = Everything.random(using: &generator)
            #expect(try Payload(message).decode(as: Everything.self) == message, "seed \(seed)")
        }
    }

    @Test("segments can come inline, as on a gRPC wire")
    func inlineSegments() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<50 {
            let message = Everything.random(using: &generator)
            let payload = Payload(message)
            var encoder = MessageEncoder(appendingTo: payload.head)
            for field in payload.segments { encoder.repeatedBytes(field.number, field.segment.array) }
            #expect(try Payload(head: encoder.finish()).decode(as: Everything.self) == message)
        }
    }

    @Test("what has not been read is left as one piece, segments among it")
    func rest() throws {
        let segment = SegmentField(number: 16, segment: Segment(copying: [UInt8](repeating: 7, count: 200)))
        let head = encoded {
            $0.uint64(1, 7)
            $0.string(2, "skipped")
            $0.uint64(3, 9)
        }
        var decoder = MessageDecoder(head: ByteBuffer(bytes: head), segments: [segment])
        #expect(try decoder.nextField() == 1)
        #expect(try decoder.uint64() == 7)
        #expect(try decoder.nextField() == 2)
        let rest = try decoder.rest()
        let inline: [UInt8] = [0x82, 0x01, 0xC8, 0x01] + segment.segment.array
        #expect(Array(rest.readableBytesView) == [0x18, 9] + inline)
        #expect(segment.inlineLength == inline.count)
        #expect(try decoder.nextField() == nil)
    }

    @Test("unknown fields of every wire type are skipped")
    func unknownFields() throws {
        let head = encoded {
            $0.uint64(1, 7)
            $0.uint64(100, .max)
            $0.fixed64(101, 1)
            $0.float(102, 1)
            $0.string(103, "later")
            $0.message(104, Everything())
            $0.uint32(2, 9)
        }
        let message = try Payload(
            head: ByteBuffer(bytes: head), segments: [SegmentField(number: 105, segment: Segment(copying: [1]))]
        ).decode(as: Everything.self)
        var expected = Everything()
        expected.unsigned = 7
        expected.narrow = 9
        #expect(message == expected)
    }

    @Test("a packed field may come unpacked and in pieces")
    func unpacked() throws {
        let head = encoded {
            $0.uint64(13, 1)
            $0.packed(13, [2, 3])
            $0.uint64(13, 4)
        }
        #expect(try Payload(head: ByteBuffer(bytes: head)).decode(as: Everything.self).packed == [1, 2, 3, 4])
    }

    @Test(
        "malformed bytes are refused",
        arguments: [
            ("a tag that is cut short", [0x88], .truncated),
            ("no value", [0x08], .truncated),
            ("a value that is cut short", [0x08, 0x80], .truncated),
            ("a varint of eleven bytes", [0x08] + Array(repeating: 0xFF, count: 11), .malformed),
            ("field 0", [0x00, 0x00], .malformed),
            ("a field number over 2^29 - 1", [0x80, 0x80, 0x80, 0x80, 0x10, 0x00], .malformed),
            ("the beginning of a group", [0x0B], .malformed),
            ("the end of a group", [0x0C], .malformed),
            ("wire type 6", [0x0E], .malformed),
            ("wire type 7", [0x0F], .malformed),
            ("eight bytes that are cut short", [0x31, 1, 2, 3], .truncated),
            ("four bytes that are cut short", [0x45, 1, 2, 3], .truncated),
            ("text that is cut short", [0x4A, 0x03, 0x61], .truncated),
            ("a length over 64 bits", [0x4A] + Array(repeating: 0xFF, count: 10), .malformed),
            ("a length of 2^64 - 1", [0x4A] + Array(repeating: 0xFF, count: 9) + [0x01], .truncated),
            ("a length of 2^63", [0x4A] + Array(repeating: 0x80, count: 9) + [0x01], .truncated),
            ("text that is no UTF-8", [0x4A, 0x02, 0xC3, 0x28], .malformed),
            ("text with a lone surrogate", [0x4A, 0x03, 0xED, 0xA0, 0x80], .malformed),
            ("text where an integer is expected", [0x0A, 0x01, 0x61], .malformed),
            ("an integer where text is expected", [0x48, 0x01], .malformed),
            ("an integer where a double is expected", [0x38, 0x01], .malformed),
            ("33 bits where 32 are expected", [0x10, 0x80, 0x80, 0x80, 0x80, 0x10], .malformed),
            ("a count of 2^63", [0x20] + Array(repeating: 0x80, count: 9) + [0x01], .malformed),
            ("packed integers that are cut short", [0x6A, 0x02, 0x01, 0x80], .truncated),
            ("an embedded message that is cut short", [0x72, 0x02, 0x08], .truncated),
            ("an embedded message that is malformed", [0x72, 0x01, 0x08], .truncated),
            ("an unknown field that is cut short", [0x92, 0x03, 0x05, 0x00], .truncated),
        ] as [(String, [UInt8], WireError.Code)])
    func malformed(_ what: String, _ bytes: [UInt8], _ code: WireError.Code) {
        let payload = Payload(head: ByteBuffer(bytes: bytes))
        #expect(wireError { () throws(WireError) in _ = try payload.decode(as: Everything.self) } == code, "\(what)")
    }

    @Test("messages may be embedded 32 deep and no deeper")
    func depth() throws {
        func nested(_ depth: Int) -> Payload {
            var bytes: [UInt8] = []
            for _ in 0..<depth { bytes = encoded { $0.repeatedBytes(14, bytes) } }
            return Payload(head: ByteBuffer(bytes: bytes))
        }
        #expect(try nested(32).decode(as: Everything.self).children.count == 1)
        #expect(wireError { () throws(WireError) in _ = try nested(33).decode(as: Everything.self) } == .tooLarge)
        #expect(wireError { () throws(WireError) in _ = try nested(5_000).decode(as: Everything.self) } == .tooLarge)
    }

    @Test("a value is read once, after its number")
    func order() throws {
        let bytes = encoded { $0.uint64(1, 5) }
        #expect(
            wireError { () throws(WireError) in
                _ = try decode(bytes) { (decoder) throws(WireError) in try decoder.uint64() }
            }
                == .malformed)
        let isRefused = wireError { () throws(WireError) in
            try decode(bytes) { (decoder) throws(WireError) in
                _ = try decoder.nextField()
                _ = try decoder.uint64()
                _ = try decoder.uint64()
            }
        }
        #expect(isRefused == .malformed)
    }

    @Test("a segment is no integer, and what is skipped of segments is skipped")
    func segmentsAsOtherTypes() throws {
        let fields = [1, 2, 3].map { SegmentField(number: $0, segment: Segment(copying: [UInt8($0)])) }
        let isRefused = wireError { () throws(WireError) in
            try decode([], segments: fields) { (decoder) throws(WireError) in
                _ = try decoder.nextField()
                _ = try decoder.uint64()
            }
        }
        #expect(isRefused == .malformed)
        let last = try decode([], segments: fields) { (decoder) throws(WireError) -> [UInt8] in
            #expect(try decoder.nextField() == 1)
            #expect(try decoder.nextField() == 2)
            #expect(try decoder.nextField() == 3)
            let segment = try decoder.segment()
            #expect(try decoder.nextField() == nil)
            #expect(try decoder.nextField() == nil)
            return segment.array
        }
        #expect(last == [3])
    }

    @Test("random bytes are refused or read, and never trap", arguments: 0..<8 as Range<UInt64>)
    func garbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(700) {
            let payload = Payload(head: ByteBuffer(bytes: generator.bytes(Int(generator.next() % 64))))
            _ = try? payload.decode(as: Everything.self)
            _ = try? payload.decode(as: CallHead.self)
            _ = try? payload.decode(as: ReplyHead.self)
            _ = try? payload.decode(as: MethodDeclaration.self)
            _ = try? payload.decode(as: Hello.self)
            _ = try? payload.decode(as: GoAway.self)
            _ = try? payload.decode(as: EmptyMessage.self)
        }
    }

    @Test("a valid message with a changed byte is refused or read, and never traps", arguments: 0..<8 as Range<UInt64>)
    func mutated(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(50) {
            var bytes = Array(Payload(Everything.random(using: &generator)).head.readableBytesView)
            guard !bytes.isEmpty else { continue }
            for _ in 0..<10 {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes[index] = UInt8(truncatingIfNeeded: generator.next())
                _ = try? Payload(head: ByteBuffer(bytes: bytes)).decode(as: Everything.self)
                _ = try? Payload(head: ByteBuffer(bytes: bytes[..<index])).decode(as: Everything.self)
            }
        }
    }
}
