import MeshWire
import NIOCore
import Testing

@Suite struct PayloadTests {
    private func total(_ layout: PayloadLayout, _ limits: WireLimits = WireLimits()) throws(WireError) -> Int {
        try layout.totalBytes(within: limits)
    }

    @Test("a payload announces its head and each of its segments")
    func layout() {
        let payload = Payload(
            head: ByteBuffer(bytes: [1, 2, 3]),
            segments: [
                SegmentField(number: 4, segment: Segment(copying: [1])),
                SegmentField(number: 4, segment: Segment(copying: [])),
            ])
        #expect(
            payload.layout
                == PayloadLayout(headLength: 3, segments: [.init(field: 4, length: 1), .init(field: 4, length: 0)]))
    }

    @Test("lengths that add up to more than 64 bits are refused")
    func overflow() {
        let layout = PayloadLayout(
            headLength: 1, segments: [.init(field: 1, length: .max), .init(field: 1, length: .max)])
        #expect(wireError { () throws(WireError) in _ = try total(layout) } == .tooLarge)
        var limits = WireLimits()
        limits.messageBytes = .max
        #expect(wireError { () throws(WireError) in _ = try total(layout, limits) } == .tooLarge)
        #expect(
            wireError { () throws(WireError) in _ = try total(PayloadLayout(headLength: .max), limits) } == .tooLarge)
    }

    @Test("a head alone is a message too, and has a message's limit")
    func headOnly() throws {
        var limits = WireLimits()
        limits.messageBytes = 10
        #expect(try total(PayloadLayout(headLength: 10), limits) == 10)
        #expect(wireError { () throws(WireError) in _ = try total(PayloadLayout(headLength: 11), limits) } == .tooLarge)
    }

    @Test("many empty segments are refused: each takes memory")
    func manySegments() {
        let segments = Array(repeating: PayloadLayout.SegmentLength(field: 1, length: 0), count: 4_097)
        #expect(wireError { () throws(WireError) in _ = try total(PayloadLayout(segments: segments)) } == .tooLarge)
        #expect(
            wireError { () throws(WireError) in _ = try total(PayloadLayout(segments: Array(segments.dropLast()))) }
                == nil)
    }

    @Test("a segment's field number is one that a message can have", arguments: [0, 1 << 29, .max] as [UInt32])
    func fieldNumbers(number: UInt32) {
        let bytes = encoded {
            $0.uint32(1, number)
            $0.uint64(2, 5)
        }
        #expect(
            wireError { () throws(WireError) in
                _ = try Payload(head: ByteBuffer(bytes: bytes)).decode(as: PayloadLayout.SegmentLength.self)
            } == .malformed)
    }

    @Test("a length that no memory has is refused")
    func hugeLength() {
        let bytes = encoded {
            $0.uint32(1, 1)
            $0.uint64(2, .max)
        }
        #expect(
            wireError { () throws(WireError) in
                _ = try Payload(head: ByteBuffer(bytes: bytes)).decode(as: PayloadLayout.SegmentLength.self)
            } == .malformed)
    }
}
