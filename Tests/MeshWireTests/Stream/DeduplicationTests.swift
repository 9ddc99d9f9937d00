import MeshWire
import TestSupport
import Testing

@Suite struct DeduplicationTests {
    @Test("a call's identity comes back as it was sent", arguments: [51 as UInt64, 52])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let sent = Deduplication(
                session: SessionID(high: generator.anySize(), low: generator.anySize()),
                entries: (0..<generator.next() % 20).map { _ in
                    .init(
                        scope: generator.anySize(), sequence: generator.anySize(),
                        acknowledgedThrough: generator.anySize())
                })
            #expect(try Payload(sent).decode(as: Deduplication.self) == sent, "seed \(seed)")
        }
    }

    @Test("sessions compare as numbers of 128 bits")
    func order() {
        #expect(SessionID(high: 1, low: .max) < SessionID(high: 2, low: 0))
        #expect(SessionID(high: 2, low: 0) < SessionID(high: 2, low: 1))
    }

    @Test("a session's text form is 32 hexadecimal digits and nothing else")
    func text() {
        let session = SessionID(high: 0xA, low: .max)
        #expect(SessionID("\(session)") == session)
        for text in [
            "", "1", String(repeating: "0", count: 31), String(repeating: "0", count: 33),
            "+" + String(repeating: "0", count: 31), "-" + String(repeating: "0", count: 31),
            String(repeating: "0", count: 16) + "+" + String(repeating: "1", count: 15),
            String(repeating: "g", count: 32), String(repeating: "é", count: 16),
        ] {
            #expect(SessionID(text) == nil, "\(text)")
        }
    }
}
