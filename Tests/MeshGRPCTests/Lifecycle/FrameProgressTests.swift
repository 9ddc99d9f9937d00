import NIOCore
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct FrameProgressTests {
    @Test("what is cut anywhere is unfinished until it is whole", arguments: 400..<408 as Range<UInt64>)
    func cuts(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes = HTTP2Bytes.opening
        // Where something is whole.
        var ends: Set<Int> = [bytes.bytes.count]
        for stream in 1..<40 as Range<UInt32> {
            switch generator.next() % 4 {
            case 0: bytes.frame(HTTP2Bytes.Frame.data, on: stream, generator.bytes(Int(generator.next() % 300)))
            case 1: bytes.frame(HTTP2Bytes.Frame.data, on: stream, [])
            case 2: bytes.call(stream)
            default:
                bytes.headers(stream, [0x83], flags: 0)
                bytes.frame(HTTP2Bytes.Frame.continuation, on: stream, [0x87])
                bytes.frame(HTTP2Bytes.Frame.continuation, HTTP2Bytes.Frame.endHeaders, on: stream, [])
            }
            ends.insert(bytes.bytes.count)
        }
        var progress = FrameProgress()
        var position = 0
        while position < bytes.bytes.count {
            let count = min(bytes.bytes.count - position, Int(generator.next() % 60) + 1)
            progress.receive(ByteBuffer(bytes: bytes.bytes[position..<position + count]))
            position += count
            #expect(progress.isUnfinished == !ends.contains(position), "seed \(seed), position \(position)")
            #expect(progress.completed == ends.count { $0 <= position }, "seed \(seed), position \(position)")
        }
    }
}
