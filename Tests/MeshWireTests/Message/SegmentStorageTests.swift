import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct SegmentStorageTests {
    @Test("storage fills front to back and takes no more than it was made for")
    func filling() {
        let storage = SegmentStorage(capacity: 5)
        var buffer = ByteBuffer(bytes: [1, 2, 3])
        #expect(storage.append(from: &buffer, limit: 2) == 2)
        #expect(storage.append(from: &buffer, limit: 100) == 1)
        buffer.writeBytes([4, 5, 6])
        #expect(storage.append(from: &buffer, limit: 100) == 2)
        #expect(storage.remaining == 0)
        #expect(storage.append(from: &buffer, limit: 100) == 0)
        #expect(Array(buffer.readableBytesView) == [6])
        #expect(Segment(storage).array == [1, 2, 3, 4, 5])
    }

    @Test("memory starts on a 64-byte boundary, whatever its size", arguments: [0, 1, 100, 65_536, 65_537, 1_000_003])
    func alignment(capacity: Int) {
        for _ in 0..<3 {
            let storage = SegmentStorage(capacity: capacity)
            #expect(unsafe UInt(bitPattern: storage.filled.baseAddress) % 64 == 0)
            #expect(storage.capacity == capacity)
        }
    }

    @Test("a block that is used again holds what is written to it now", arguments: [21 as UInt64, 22])
    func reuse(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var alive: [(Segment, UInt8)] = []
        for _ in 0..<300 {
            let size = Int(generator.next() % 300_000)
            let fill = UInt8(truncatingIfNeeded: generator.next())
            alive.append((Segment(copying: [UInt8](repeating: fill, count: size)), fill))
            if alive.count > 6 { alive.remove(at: Int(generator.next() % 6)) }
            for (segment, fill) in alive {
                // The closure reads and keeps no pointer.
                let isIntact = unsafe segment.withUnsafeBytes { bytes in
                    unsafe bytes.first == nil || (bytes.first == fill && bytes.last == fill)
                }
                #expect(isIntact, "seed \(seed)")
            }
        }
    }
}
