import MeshWire
import NIOCore
import Testing

@Suite struct SegmentTests {
    @Test("a segment holds the bytes that it was made of", arguments: [0, 1, 63, 64, 65, 70_000])
    func copying(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let segment = Segment(copying: bytes)
        #expect(segment.count == count)
        #expect(segment.array == bytes)
    }

    @Test("a segment over foreign memory keeps its owner and copies nothing")
    func foreign() {
        final class Owner: Sendable {}
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 1)
        defer { unsafe memory.deallocate() }
        unsafe memory.copyBytes(from: [1, 2, 3, 4])
        weak var owner: Owner?
        do {
            let kept = Owner()
            owner = kept
            // The memory outlives the segment and is not written meanwhile.
            let segment = unsafe Segment(unsafeBytes: UnsafeRawBufferPointer(memory), owner: kept)
            #expect(unsafe segment.retained.bytes.baseAddress == UnsafeRawPointer(memory.baseAddress!))
            #expect(unsafe segment.retained.owner === kept)
            #expect(segment.array == [1, 2, 3, 4])
        }
        #expect(owner == nil)
    }

    @Test("any part can be written")
    func parts() {
        let segment = Segment(copying: [0, 1, 2, 3, 4, 5])
        var buffer = ByteBuffer()
        segment.write(2..<4, to: &buffer)
        segment.write(0..<0, to: &buffer)
        segment.write(5..<6, to: &buffer)
        #expect(Array(buffer.readableBytesView) == [2, 3, 5])
    }
}
