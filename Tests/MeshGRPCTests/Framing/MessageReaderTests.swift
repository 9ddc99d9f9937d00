import MeshWire
import NIOCore
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct MessageReaderTests {
    private func messages(
        _ pieces: [ByteBuffer], encoding: DeclaredEncoding = .identity, limit: Int = 1 << 20, isServer: Bool = true
    ) throws -> [[UInt8]] {
        var reader = MessageReader(encoding: encoding, limit: limit, isServer: isServer)
        var messages: [[UInt8]] = []
        for piece in pieces {
            reader.feed(piece)
            while let message = try reader.next() { messages.append(message.array) }
        }
        #expect(reader.isBetweenMessages)
        return messages
    }

    @Test("messages come out as they went in, wherever the bytes are cut", arguments: [1 as UInt64, 2, 3])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(30) {
            let encoding = MessageEncoding.allCases.randomElement(using: &generator)!
            let deflater = try #require(Deflater(encoding))
            let expected = (0..<5).map { _ in generator.bytes(Int(generator.anySize() % 100_000)) }
            var bytes: [UInt8] = []
            for message in expected {
                let usesCompression = generator.next() % 2 == 0
                var out = try OutboundMessage(
                    payload(message), limit: 1 << 20, deflater: usesCompression ? deflater : nil)
                while let piece = out.next(limit: 1_000) { bytes += piece.array }
            }
            let found = try messages(pieces(of: bytes, using: &generator), encoding: .known(encoding))
            #expect(found == expected, "seed \(seed)")
        }
    }

    @Test("the prefix is one byte and four, big-endian")
    func workedBytes() throws {
        #expect(try messages([ByteBuffer(bytes: [0, 0, 0, 0, 2, 0x08, 0x2A])]) == [[0x08, 0x2A]])
        #expect(try messages([ByteBuffer(bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9])]) == [[], [9]])
    }

    private func fault(
        _ bytes: [UInt8], encoding: DeclaredEncoding = .identity, limit: Int = 100, isServer: Bool = true
    ) -> CallStatus? {
        status { () throws(GRPCStatus) in
            var reader = MessageReader(encoding: encoding, limit: limit, isServer: isServer)
            reader.feed(ByteBuffer(bytes: bytes))
            _ = try reader.next()
        }?.code
    }

    @Test("a length over the limit is refused before its bytes arrive")
    func tooLarge() {
        #expect(fault([0, 0, 0, 0, 101]) == .resourceExhausted)
        #expect(fault([0, 0xFF, 0xFF, 0xFF, 0xFF]) == .resourceExhausted)
        #expect(fault([1, 0, 0, 0, 101], encoding: .known(.gzip)) == .resourceExhausted)
        #expect(fault([0, 0, 0, 0, 100]) == nil)
    }

    @Test("a compressed message needs an encoding that was declared and is known")
    func compression() throws {
        #expect(fault(framed([1], isCompressed: true)) == .internalError)
        #expect(fault(framed([1], isCompressed: true), encoding: .unknown("snappy")) == .unimplemented)
        #expect(fault(framed([1], isCompressed: true), encoding: .unknown("snappy"), isServer: false) == .internalError)
        #expect(fault(framed([1]), encoding: .unknown("snappy")) == nil)
        #expect(fault(framed([1, 2, 3], isCompressed: true), encoding: .known(.gzip)) == .internalError)
        let deflater = try #require(Deflater(.gzip))
        deflater.append(ByteBuffer(repeating: 0, count: 10_000))
        #expect(
            fault(framed(deflater.finish().array, isCompressed: true), encoding: .known(.gzip)) == .resourceExhausted)
    }

    @Test("a flag that is neither 0 nor 1 is refused, and nothing is read after it")
    func flag() throws {
        #expect(fault([2, 0, 0, 0, 0]) == .internalError)
        var reader = MessageReader(encoding: .identity, limit: 10, isServer: true)
        reader.feed(ByteBuffer(bytes: [2, 0, 0, 0, 0]))
        #expect(throws: GRPCStatus.self) { try reader.next() }
        reader.feed(ByteBuffer(bytes: framed([1])))
        let afterwards = try reader.next()
        #expect(afterwards == nil)
    }

    @Test("a reader knows that it stands inside a message")
    func between() throws {
        var reader = MessageReader(encoding: .identity, limit: 10, isServer: true)
        #expect(reader.isBetweenMessages)
        for byte in framed([1, 2]) {
            reader.feed(ByteBuffer(bytes: [byte]))
            let message = try reader.next()
            #expect(reader.isBetweenMessages == (message != nil))
        }
    }
}
