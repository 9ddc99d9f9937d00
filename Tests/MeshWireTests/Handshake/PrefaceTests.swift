import MeshWire
import NIOCore
import Testing

@Suite struct PrefaceTests {
    @Test("the preface is eight bytes of which the first is no ASCII")
    func bytes() {
        #expect(Preface.bytes.count == 8)
        #expect(Preface.bytes[0] >= 0x80)
    }

    @Test("it is taken when it is there, and what follows stays", arguments: 0...8)
    func reading(count: Int) throws {
        var buffer = ByteBuffer(bytes: Preface.bytes.prefix(count))
        #expect(try Preface.read(from: &buffer) == (count == 8))
        #expect(buffer.readableBytes == (count == 8 ? 0 : count))
        var more = ByteBuffer(bytes: Preface.bytes + [1, 2])
        #expect(try Preface.read(from: &more))
        #expect(Array(more.readableBytesView) == [1, 2])
    }

    @Test("a byte that differs is refused as soon as it is there", arguments: 0..<8)
    func different(index: Int) {
        var bytes = Array(Preface.bytes.prefix(index + 1))
        bytes[index] ^= 1
        var buffer = ByteBuffer(bytes: bytes)
        #expect(wireError { () throws(WireError) in _ = try Preface.read(from: &buffer) } == .malformed)
    }

    @Test(
        "other protocols are refused at their first byte",
        arguments: ["GET / HTTP/1.1", "PRI * HTTP/2.0", "\u{16}\u{3}"])
    func otherProtocols(text: String) {
        var buffer = ByteBuffer(string: String(text.prefix(1)))
        #expect(wireError { () throws(WireError) in _ = try Preface.read(from: &buffer) } == .malformed)
    }
}
