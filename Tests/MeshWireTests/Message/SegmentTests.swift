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

    @Test("a shared buffer is the segment's memory, and keeps the owner for as long as it is used")
    func shared() {
        final class Owner: Sendable {}
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 6, alignment: 1)
        defer { unsafe memory.deallocate() }
        unsafe memory.copyBytes(from: [0, 1, 2, 3, 4, 5])
        weak var owner: Owner?
        var slice: ByteBuffer?
        do {
            let kept = Owner()
            owner = kept
            // The memory outlives the segment and is not written meanwhile.
            let segment = unsafe Segment(unsafeBytes: UnsafeRawBufferPointer(memory), owner: kept)
            #expect(segment.sharedBuffer(3..<3) == ByteBuffer())
            let (first, second) = (segment.sharedBuffer(1..<5), segment.sharedBuffer(1..<6))
            #expect(Array(first.readableBytesView) == [1, 2, 3, 4])
            // Compared, and not kept.
            unsafe first.withUnsafeReadableBytes {
                #expect(unsafe $0.baseAddress == UnsafeRawPointer(memory.baseAddress!) + 1)
            }
            slice = second.getSlice(at: 2, length: 3)
        }
        #expect(owner != nil)
        #expect(slice.map { Array($0.readableBytesView) } == [3, 4, 5])
        slice = nil
        #expect(owner == nil)
    }

    @Test("a buffer that outgrows shared memory moves out of it and leaves it as it was")
    func sharedAndWritten() {
        let segment = Segment(copying: [1, 2, 3, 4])
        var buffer = segment.sharedBuffer(0..<4)
        let other = buffer
        buffer.writeBytes([UInt8](repeating: 9, count: 5_000))
        #expect(buffer.readableBytes == 5_004 && buffer.getInteger(at: 3, as: UInt8.self) == 4)
        var alone = segment.sharedBuffer(0..<4)
        alone.writeBytes([UInt8](repeating: 8, count: 5_000))
        #expect(alone.readableBytes == 5_004 && alone.getInteger(at: 0, as: UInt8.self) == 1)
        #expect(Array(other.readableBytesView) == [1, 2, 3, 4])
        #expect(segment.array == [1, 2, 3, 4])
    }
}
