import NIOCore
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct InflaterTests {
    private func compress(_ bytes: [UInt8], _ encoding: MessageEncoding) throws -> ByteBuffer {
        let deflater = try #require(Deflater(encoding))
        deflater.append(ByteBuffer(bytes: bytes))
        return deflater.finish()
    }

    @Test("what was compressed comes back, in whatever pieces", arguments: MessageEncoding.allCases)
    func roundTrip(encoding: MessageEncoding) throws {
        let seed: UInt64 = 11
        var generator = SeededGenerator(seed: seed)
        let deflater = try #require(Deflater(encoding))
        let inflater = Inflater(encoding, limit: 300_000)
        // One pair for all messages, as on a stream.
        for _ in 0..<rounds(40) {
            let message = generator.bytes(Int(generator.anySize() % 300_000))
            for piece in pieces(of: message, using: &generator) { deflater.append(piece) }
            let compressed = deflater.finish()
            for piece in pieces(of: compressed.array, using: &generator) { try inflater.append(piece) }
            #expect(try inflater.finish().array == message, "seed \(seed)")
        }
    }

    @Test("a bomb ends at the limit", arguments: MessageEncoding.allCases)
    func bomb(encoding: MessageEncoding) throws {
        let bomb = try compress([UInt8](repeating: 0, count: 50_000_000), encoding)
        #expect(bomb.readableBytes < 60_000)
        #expect(throws: InflaterError.tooLarge) { try Inflater(encoding, limit: 100_000).append(bomb) }
    }

    @Test("the limit itself is allowed, and not a byte more", arguments: [0, 1, 1_023, 1_024, 1_025, 4_096])
    func exactLimit(size: Int) throws {
        let compressed = try compress([UInt8](repeating: 7, count: size), .gzip)
        let inflater = Inflater(.gzip, limit: size)
        try inflater.append(compressed)
        #expect(try inflater.finish().readableBytes == size)
        let tooLarge = try compress([UInt8](repeating: 7, count: size + 1), .gzip)
        #expect(throws: InflaterError.tooLarge) { try Inflater(.gzip, limit: size).append(tooLarge) }
    }

    @Test("cut, foreign and trailing bytes are refused", arguments: MessageEncoding.allCases)
    func malformed(encoding: MessageEncoding) throws {
        let compressed = try compress(Array("hello hello hello".utf8), encoding).array
        func inflate(_ bytes: [UInt8]) throws -> ByteBuffer {
            let inflater = Inflater(encoding, limit: 1_000)
            try inflater.append(ByteBuffer(bytes: bytes))
            return try inflater.finish()
        }
        for length in compressed.indices {
            #expect(throws: InflaterError.malformed) { try inflate(Array(compressed[..<length])) }
        }
        #expect(throws: InflaterError.malformed) { try inflate(compressed + [0]) }
        #expect(throws: InflaterError.malformed) { try inflate([1, 2, 3, 4, 5, 6, 7, 8]) }
    }
}
