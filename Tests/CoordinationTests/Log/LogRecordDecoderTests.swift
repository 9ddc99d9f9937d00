import Coordination
import MeshWire
import NIOCore
import Testing

@Suite struct LogRecordDecoderTests {
    private static let records = [(1, "a"), (2, ""), (5, "longer than the others"), (9, "\0\0\0")].map {
        position, text in
        LogRecord(kind: .entry, position: position, payload: ByteBuffer(string: text))
    }

    private static var bytes: [UInt8] {
        var buffer = ByteBuffer()
        for record in records { record.encode(to: &buffer) }
        return Array(buffer.readableBytesView)
    }

    /// What the bytes are, given in pieces of `size`.
    private static func decode(
        _ bytes: [UInt8], piecesOf size: Int = .max
    ) -> (records: [LogRecord], damage: Int64?, ending: LogRecordDecoder.Ending) {
        var decoder = LogRecordDecoder(offset: 100, after: 0, payloadLimit: 64)
        var records: [LogRecord] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            decoder.append(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
            reading: while true {
                switch decoder.next() {
                case .record(let record): records.append(record)
                case .needsBytes: break reading
                case .damaged(let offset, _): return (records, offset, .whole)
                }
            }
        }
        return (records, nil, decoder.finish())
    }

    @Test("records read back as they were written, in whatever pieces they come", arguments: [1, 2, 7, 21, 22, 500])
    func pieces(size: Int) {
        let (records, damage, ending) = Self.decode(Self.bytes, piecesOf: size)
        #expect(records == Self.records)
        #expect(damage == nil)
        #expect(ending == .whole)
    }

    @Test("a file that ends anywhere gives the records before that, and says where the torn one began")
    func everyCut() {
        let bytes = Self.bytes
        var ends = [0]
        for record in Self.records {
            ends.append(ends[ends.count - 1] + record.payload.readableBytes + LogRecord.overhead)
        }
        for length in 0...bytes.count {
            let whole = ends.lastIndex { $0 <= length } ?? 0
            let (records, damage, ending) = Self.decode(Array(bytes[..<length]))
            #expect(records == Array(Self.records[..<whole]), "\(length) bytes")
            #expect(damage == nil, "\(length) bytes")
            #expect(
                ending == (ends[whole] == length ? .whole : .torn(offset: 100 + Int64(ends[whole]))), "\(length) bytes")
        }
    }

    @Test("a file whose tail the system lost, and reads as zeros, is torn where the first such record began")
    func everyZeroTail() {
        let bytes = Self.bytes
        for length in 0..<bytes.count where bytes[length...].contains(where: { $0 != 0 }) {
            let tail = [UInt8](repeating: 0, count: bytes.count - length)
            let (records, damage, ending) = Self.decode(Array(bytes[..<length]) + tail, piecesOf: 5)
            #expect(damage == nil, "zeros from byte \(length)")
            #expect(records == Array(Self.records[..<records.count]), "zeros from byte \(length)")
            guard case .torn(let offset) = ending else {
                Issue.record("zeros from byte \(length) were not noticed")
                continue
            }
            #expect(offset <= 100 + Int64(length), "zeros from byte \(length)")
        }
    }

    @Test("every flipped bit is damage at its record, and the records before it are right")
    func everyBit() {
        let bytes = Self.bytes
        var ends = [0]
        for record in Self.records {
            ends.append(ends[ends.count - 1] + record.payload.readableBytes + LogRecord.overhead)
        }
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let (records, damage, _) = Self.decode(changed)
            let hit = (ends.firstIndex { $0 > bit / 8 } ?? 0) - 1
            #expect(records == Array(Self.records[..<hit]), "bit \(bit)")
            #expect(damage == 100 + Int64(ends[hit]), "bit \(bit)")
        }
    }

    @Test("a whole record that is too large or out of order is damage, not a tail")
    func outOfPlace() {
        func damage(_ record: LogRecord) -> Int64? {
            var buffer = ByteBuffer()
            LogRecord(kind: .entry, position: 3, payload: ByteBuffer(string: "x")).encode(to: &buffer)
            record.encode(to: &buffer)
            return Self.decode(Array(buffer.readableBytesView)).damage
        }
        let second = Int64(100 + LogRecord.overhead + 1)
        #expect(damage(LogRecord(kind: .entry, position: 4, payload: ByteBuffer(repeating: 1, count: 64))) == nil)
        #expect(damage(LogRecord(kind: .entry, position: 4, payload: ByteBuffer(repeating: 1, count: 65))) == second)
        #expect(damage(LogRecord(kind: .entry, position: 3, payload: ByteBuffer())) == second)
    }
}
