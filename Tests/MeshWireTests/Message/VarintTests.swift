import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct VarintTests {
    @Test(
        "integers are written in base 128, least significant group first",
        arguments: [
            (0, [0x00]), (1, [0x01]), (127, [0x7F]), (128, [0x80, 0x01]), (150, [0x96, 0x01]), (300, [0xAC, 0x02]),
            (1 << 63, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
            (.max, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        ] as [(UInt64, [UInt8])])
    func golden(_ value: UInt64, _ bytes: [UInt8]) throws {
        var buffer = ByteBuffer()
        buffer.writeVarint(value)
        #expect(Array(buffer.readableBytesView) == bytes)
        #expect(ByteBuffer.varintLength(value) == bytes.count)
        #expect(try buffer.readVarint() == value)
        #expect(buffer.readableBytes == 0)
    }

    @Test("every integer comes back, and its length is known beforehand", arguments: [11 as UInt64, 12, 13])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10_000 {
            let value = generator.anySize()
            var buffer = ByteBuffer()
            buffer.writeVarint(value)
            #expect(buffer.readableBytes == ByteBuffer.varintLength(value), "seed \(seed)")
            #expect(try buffer.readVarint() == value, "seed \(seed)")
        }
    }

    @Test("a gap moves what follows it, whatever its size", arguments: [1, 2, 9])
    func gap(_ count: Int) {
        for (before, after) in [(0, 0), (0, 5), (3, 1), (7, 300)] {
            var buffer = ByteBuffer(bytes: [9, 9])
            buffer.moveReaderIndex(forwardBy: 2)
            buffer.writeRepeatingByte(1, count: before)
            buffer.writeBytes((0..<after).map { UInt8(truncatingIfNeeded: $0) })
            buffer.insertGap(of: count, at: 2 + before)
            let bytes = Array(buffer.readableBytesView)
            #expect(bytes.count == before + count + after)
            #expect(bytes.prefix(before).allSatisfy { $0 == 1 })
            #expect(bytes.suffix(after) == (0..<after).map { UInt8(truncatingIfNeeded: $0) }[...])
        }
    }

    @Test(
        "a varint that is cut short or too large is refused",
        arguments: [
            ([], .truncated), ([0x80], .truncated), (Array(repeating: 0xFF, count: 9), .truncated),
            // Bit 64.
            (Array(repeating: 0xFF, count: 9) + [0x02], .malformed),
            // Eleven bytes.
            (Array(repeating: 0xFF, count: 10) + [0x00], .malformed),
            (Array(repeating: 0x80, count: 10) + [0x00], .malformed),
            (Array(repeating: 0x80, count: 64), .malformed),
        ] as [([UInt8], WireError.Code)])
    func refused(_ bytes: [UInt8], _ code: WireError.Code) {
        var buffer = ByteBuffer(bytes: bytes)
        #expect(wireError { () throws(WireError) in _ = try buffer.readVarint() } == code)
    }

    @Test("an encoding that is longer than it must be is read, as protobuf does")
    func overlong() throws {
        var buffer = ByteBuffer(bytes: [0x81, 0x80, 0x00])
        #expect(try buffer.readVarint() == 1)
    }
}
