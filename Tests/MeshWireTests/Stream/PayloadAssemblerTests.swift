import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct PayloadAssemblerTests {
    @Test("a payload comes out of pieces of any size as it went in", arguments: [61 as UInt64, 62, 63, 64])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let head = generator.bytes(Int(generator.next() % 50))
            let segments = (0..<generator.next() % 5).map { _ in generator.bytes(Int(generator.next() % 4 * 20)) }
            let payload = Payload(
                head: ByteBuffer(bytes: head),
                segments: segments.map { SegmentField(number: 2, segment: Segment(copying: $0)) })
            var rest = ByteBuffer(bytes: head + segments.flatMap { $0 })
            var assembler = PayloadAssembler(layout: payload.layout, totalBytes: rest.readableBytes)
            while rest.readableBytes > 0 {
                #expect(!assembler.isComplete)
                var piece = rest.readSlice(length: min(rest.readableBytes, Int(generator.next() % 30)))!
                try assembler.append(&piece)
                #expect(assembler.remaining == rest.readableBytes)
            }
            #expect(assembler.isComplete)
            let read = assembler.finish()
            #expect(Array(read.head.readableBytesView) == head, "seed \(seed)")
            #expect(read.segments.map(\.segment.array) == segments, "seed \(seed)")
        }
    }

    @Test("segments of no bytes are kept, also at the end and alone")
    func emptySegments() throws {
        let layout = PayloadLayout(headLength: 0, segments: [.init(field: 2, length: 0), .init(field: 3, length: 0)])
        var assembler = PayloadAssembler(layout: layout, totalBytes: 0)
        #expect(assembler.isComplete)
        let payload = assembler.finish()
        #expect(payload.segments.map(\.number) == [2, 3])
        #expect(payload.segments.map(\.segment.count) == [0, 0])
    }

    @Test("more bytes than were announced are refused")
    func tooMany() {
        var assembler = PayloadAssembler(layout: PayloadLayout(headLength: 2), totalBytes: 2)
        var piece = ByteBuffer(bytes: [1, 2, 3])
        #expect(wireError { () throws(WireError) in try assembler.append(&piece) } == .malformed)
    }
}
