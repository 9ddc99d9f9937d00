import MeshWire
import NIOCore
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct OutboundMessageTests {
    private func bytes(_ message: OutboundMessage, limit: Int) -> [UInt8] {
        var message = message
        var bytes: [UInt8] = []
        while let piece = message.next(limit: limit) {
            #expect(piece.readableBytes <= limit && piece.readableBytes > 0)
            bytes += piece.array
        }
        #expect(message.remaining == 0)
        return bytes
    }

    @Test(
        "segments follow the head as the bytes fields that they are, in pieces of any size",
        arguments: [1, 2] as [UInt64])
    func segments(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(30) {
            let head = generator.bytes(Int(generator.anySize() % 60_000))
            let segments = (0..<Int(generator.next() % 4)).map { _ in generator.bytes(Int(generator.anySize() % 60_000))
            }
            let payload = Payload(
                head: ByteBuffer(bytes: head),
                segments: segments.enumerated().map {
                    SegmentField(number: UInt32($0 * 100 + 1), segment: Segment(copying: $1))
                })
            var encoder = MessageEncoder(appendingTo: ByteBuffer(bytes: head))
            for field in payload.segments {
                encoder.repeatedBytes(field.number, segments[Int(field.number) / 100])
            }
            let expected = framed(encoder.finish().array)
            let limit = Int(generator.next() % 70_000) + 1
            #expect(
                bytes(try OutboundMessage(payload, limit: 1 << 20), limit: limit) == expected,
                "seed \(seed), pieces of \(limit)")
        }
    }

    @Test("a small message is one piece")
    func onePiece() throws {
        var message = try OutboundMessage(payload([1, 2, 3]), limit: 100)
        #expect(message.next(limit: 1_000)?.array == framed([1, 2, 3]))
        #expect(message.next(limit: 1_000) == nil)
        var empty = try OutboundMessage(Payload(), limit: 0)
        #expect(empty.next(limit: 1_000)?.array == framed([]))
    }

    @Test("a message over the limit is refused before a byte is written")
    func tooLarge() throws {
        let segment = SegmentField(number: 1, segment: Segment(copying: [UInt8](repeating: 0, count: 98)))
        #expect(
            status { () throws(GRPCStatus) in _ = try OutboundMessage(Payload(segments: [segment]), limit: 100) } == nil
        )
        #expect(
            status { () throws(GRPCStatus) in
                _ = try OutboundMessage(Payload(segments: [segment]), limit: 99)
            }?.code == .resourceExhausted)
    }

    @Test("what compression does not make smaller goes as it is")
    func incompressible() throws {
        let deflater = try #require(Deflater(.gzip))
        #expect(
            bytes(try OutboundMessage(payload([1, 2, 3]), limit: 100, deflater: deflater), limit: 100)
                == framed([1, 2, 3]))
        let compressed = bytes(
            try OutboundMessage(payload([UInt8](repeating: 1, count: 1_000)), limit: 1_000, deflater: deflater),
            limit: 100)
        #expect(compressed[0] == 1)
        #expect(compressed.count < 100)
    }
}
