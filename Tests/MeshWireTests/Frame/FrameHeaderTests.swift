import MeshWire
import NIOCore
import Testing

@Suite struct FrameHeaderTests {
    @Test("a header is twelve bytes, big-endian")
    func golden() throws {
        var buffer = ByteBuffer()
        FrameHeader(kind: .request, stream: StreamID(rawValue: 0x0102_0305), payloadLength: 0x1_0203).write(to: &buffer)
        #expect(Array(buffer.readableBytesView) == [0, 1, 2, 3, 3, 0, 0, 0, 1, 2, 3, 5])
        let header = try #require(try FrameHeader(from: &buffer))
        #expect(header == FrameHeader(kind: .request, stream: StreamID(rawValue: 0x0102_0305), payloadLength: 0x1_0203))
    }

    @Test("a header that is not complete is left where it is", arguments: 0..<12)
    func incomplete(count: Int) throws {
        var buffer = ByteBuffer(repeating: 1, count: count)
        #expect(try FrameHeader(from: &buffer) == nil)
        #expect(buffer.readableBytes == count)
    }

    @Test(
        "unknown kinds, flags and reserved bits are refused",
        arguments: [(0, 0, 0), (14, 0, 0), (255, 0, 0), (3, 2, 0), (3, 0, 1), (3, 0, 0x8000)]
            as [(UInt8, UInt8, UInt16)]
    )
    func unknown(kind: UInt8, flags: UInt8, reserved: UInt16) {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(UInt32(0), kind, flags, reserved, UInt32(1))
        #expect(wireError { () throws(WireError) in _ = try FrameHeader(from: &buffer) } == .malformed)
    }

    @Test("a connection has two thousand million streams and then no more")
    func streams() {
        #expect(StreamID.first.rawValue == 1)
        #expect(StreamID.first.next?.rawValue == 3)
        #expect(StreamID(rawValue: .max - 2).next?.rawValue == .max)
        #expect(StreamID(rawValue: .max).next == nil)
        #expect(StreamID.first < StreamID(rawValue: 3))
        #expect("\(StreamID.first)" == "stream 1")
    }
}
