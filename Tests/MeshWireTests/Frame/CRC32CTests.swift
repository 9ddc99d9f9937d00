import MeshWire
import NIOCore
import TestSupport
import Testing

@testable import MeshWire

@Suite struct CRC32CTests {
    private func checksum(_ bytes: [UInt8]) -> UInt32 { CRC32C.of(ByteBuffer(bytes: bytes).readableBytesView) }

    @Test("the vectors of RFC 3720, appendix B.4")
    func vectors() {
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(checksum(Array((0..<32).reversed())) == 0x113F_DB5C)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(checksum([]) == 0)
    }

    @Test("bytes may come in any pieces", arguments: [1, 2, 3])
    func pieces(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes = generator.bytes(1_000)
        var pieces = CRC32C()
        var rest = ByteBuffer(bytes: bytes)
        while rest.readableBytes > 0 {
            let count = min(rest.readableBytes, Int(generator.next() % 40))
            if let piece = rest.readSlice(length: count) { pieces.append(piece.readableBytesView) }
        }
        #expect(pieces.value == checksum(bytes), "seed \(seed)")
    }
}
