import TestSupport
import Testing

@testable import MeshTransport

@Suite struct DNSMessageTests {
    private let question = DNSQuestion(DomainName("scoring.shop")!, .a)
    /// `scoring.shop` as it is sent.
    private let name: [UInt8] = [7] + Array("scoring".utf8) + [4] + Array("shop".utf8) + [0]

    /// A response with the question above and one more section, all written by hand.
    private func response(answers: UInt8 = 0, additionals: UInt8 = 0, _ rest: [UInt8]) -> [UInt8] {
        [0x12, 0x34, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, additionals] + name + [0, 1, 0, 1] + rest
    }

    private func refusal(_ bytes: [UInt8]) -> String? {
        do throws(DNSFormatError) {
            _ = try DNSMessage(decoding: bytes)
            return nil
        } catch { return error.description }
    }

    @Test("a question is sent as the standard says, and tells that answers of 1,232 bytes are taken")
    func encoding() {
        let header: [UInt8] = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]
        let option: [UInt8] = [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0]
        #expect(DNSMessage(id: 0x1234, question).encoded == header + name + [0, 1, 0, 1] + option)
    }

    @Test("a question without EDNS has no OPT record")
    func plain() {
        let message = DNSMessage(id: 1, question, isExtended: false)
        #expect(message.encoded.count == 12 + name.count + 4)
        #expect(message.datagramLimit == nil)
    }

    @Test("a record's name may point to an earlier one, and that one's end to another")
    func compression() throws {
        // www.scoring.shop, as a label and a pointer to the question's name at byte 12.
        let alias: [UInt8] = [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 6, 3] + Array("www".utf8) + [0xC0, 12]
        // Its address, the name being the alias' target, which is at byte 42.
        let address: [UInt8] = [0xC0, 42, 0, 1, 0, 1, 0, 0, 0, 7, 0, 4, 10, 0, 0, 1]
        let message = try DNSMessage(decoding: response(answers: 2, alias + address))
        let target = try #require(DomainName("www.scoring.shop"))
        #expect(
            message.answers == [
                DNSRecord(question.name, timeToLive: 9, .alias(target)),
                DNSRecord(target, timeToLive: 7, .address([10, 0, 0, 1])),
            ])
    }

    @Test("a pointer to itself, forward, or in a circle is refused")
    func loops() {
        let rest: [UInt8] = [0, 1, 0, 1, 0, 0, 0, 7, 0, 4, 10, 0, 0, 1]
        for pointer: [UInt8] in [[0xC0, 30], [0xC0, 40], [1, 0x61, 0xC0, 30], [0xFF, 0xFF]] {
            let problem = refusal(response(answers: 1, pointer + rest))
            #expect(problem?.contains("not to an earlier name") == true, "\(pointer): \(problem ?? "read")")
        }
    }

    @Test("a name of pointers and labels has at most 255 bytes")
    func longName() {
        // Each record's name is 60 bytes longer than the one before it, to which it points.
        let label = [60] + [UInt8](repeating: 0x61, count: 60)
        var (bytes, last) = ([] as [UInt8], 12)
        for _ in 0..<5 {
            let place = 30 + bytes.count
            bytes += label + [0xC0, UInt8(last), 0, 16, 0, 1, 0, 0, 0, 1, 0, 0]
            last = place
        }
        #expect(refusal(response(answers: 5, bytes))?.contains("longer than 255") == true)
    }

    @Test("a kind of label that nobody uses is refused", arguments: [0x40, 0x80] as [UInt8])
    func labelKinds(kind: UInt8) {
        let problem = refusal([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, kind | 1, 0x61, 0, 0, 1, 0, 1])
        #expect(problem?.contains("unknown kind") == true)
    }

    @Test("a message that ends anywhere before its end is refused")
    func truncation() throws {
        var message = DNSMessage(id: 7, question)
        message.isResponse = true
        message.answers = [
            DNSRecord(question.name, timeToLive: 1, .address([10, 0, 0, 1])),
            DNSRecord(question.name, timeToLive: 1, .alias(.root)),
            DNSRecord(
                question.name, timeToLive: 1,
                .server(DNSServerRecord(priority: 1, weight: 2, port: 3, target: question.name))),
        ]
        message.authorities = [DNSRecord(.root, timeToLive: 5, .zone(minimum: 4))]
        let bytes = message.encoded
        #expect(try DNSMessage(decoding: bytes) == message)
        for count in 0..<bytes.count { #expect(refusal(Array(bytes.prefix(count))) != nil, "\(count) bytes") }
    }

    @Test("bytes behind the last record are refused")
    func trailing() { #expect(refusal(response([0]))?.contains("1 bytes follow") == true) }

    @Test("a record is as long as it says", arguments: [3, 5])
    func recordLength(length: Int) {
        let bytes = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, UInt8(length)] + [UInt8](repeating: 1, count: length)
        #expect(refusal(response(answers: 1, bytes))?.contains("not 4") == true)
        // A name that goes beyond its record.
        let alias: [UInt8] = [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0x61, 0]
        #expect(refusal(response(answers: 1, alias))?.contains("as it says") == true)
    }

    @Test("more records than a message can hold are not looked for")
    func announced() {
        let bytes: [UInt8] = [0, 1, 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(refusal(bytes)?.contains("at most 4096 records") == true)
    }

    @Test("a time with the highest bit set is none")
    func negativeTime() throws {
        let bytes: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0x80, 0, 0, 1, 0, 4, 10, 0, 0, 1]
        #expect(try DNSMessage(decoding: response(answers: 1, bytes)).answers.map(\.timeToLive) == [0])
    }

    @Test("records of another class are passed over, and of an unknown kind kept as bytes")
    func otherRecords() throws {
        let chaos: [UInt8] = [0xC0, 12, 0, 1, 0, 3, 0, 0, 0, 1, 0, 2, 1, 2]
        let text: [UInt8] = [0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 1, 0, 2, 1, 0x61]
        let message = try DNSMessage(decoding: response(answers: 2, chaos + text))
        #expect(message.answers.map(\.value) == [.other(DNSRecordType(16), [1, 0x61])])
    }

    @Test("an OPT record brings the high bits of the response code, and there is at most one, at the end")
    func options() throws {
        let option: [UInt8] = [0, 0, 41, 0x10, 0, 1, 0, 0, 0, 0, 0]
        let message = try DNSMessage(decoding: response(additionals: 1, option))
        #expect(message.responseCode == .badVersion)
        #expect(message.datagramLimit == 4_096)
        #expect(message.additionals.isEmpty)
        #expect(refusal(response(additionals: 2, option + option))?.contains("the only one") == true)
        #expect(refusal(response(answers: 1, option))?.contains("the only one") == true)
    }

    @Test("any message reads back as it was written")
    func roundTrip() throws {
        for seed in 0..<UInt64(rounds(200)) {
            var generator = SeededGenerator(seed: seed)
            let message = Self.anyMessage(&generator)
            #expect(try DNSMessage(decoding: message.encoded) == message, "seed \(seed)")
        }
    }

    @Test("random bytes and changed messages are read or refused, and what is read can be written")
    func hostile() {
        for seed in 0..<UInt64(rounds(2_000)) {
            var generator = SeededGenerator(seed: seed)
            var bytes = Self.anyMessage(&generator).encoded
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8(truncatingIfNeeded: generator.next())
            }
            guard let message = try? DNSMessage(decoding: bytes) else { continue }
            #expect((try? DNSMessage(decoding: message.encoded)) == message, "seed \(seed)")
        }
    }

    private static func anyMessage(_ generator: inout SeededGenerator) -> DNSMessage {
        var message = DNSMessage(id: UInt16(truncatingIfNeeded: generator.next()))
        message.isResponse = Bool.random(using: &generator)
        message.isTruncated = Bool.random(using: &generator)
        message.isAuthoritative = Bool.random(using: &generator)
        message.offersRecursion = Bool.random(using: &generator)
        message.datagramLimit = Bool.random(using: &generator) ? 1_232 : nil
        let codes: ClosedRange<UInt16> = message.datagramLimit == nil ? 0...15 : 0...4_095
        message.responseCode = DNSMessage.ResponseCode(UInt16.random(in: codes, using: &generator))
        message.questions = [DNSQuestion(anyName(&generator), .srv)]
        message.answers = (0..<Int.random(in: 0...5, using: &generator)).map { _ in anyRecord(&generator) }
        message.authorities = [DNSRecord(anyName(&generator), timeToLive: 3, .zone(minimum: 9))]
        message.additionals = [anyRecord(&generator)]
        return message
    }

    private static func anyRecord(_ generator: inout SeededGenerator) -> DNSRecord {
        let values: [DNSRecord.Value] = [
            .address(generator.bytes(4)), .address(generator.bytes(16)), .alias(anyName(&generator)),
            .server(DNSServerRecord(priority: 1, weight: 2, port: 3, target: anyName(&generator))),
            .other(DNSRecordType(16), generator.bytes(Int.random(in: 0...20, using: &generator))),
        ]
        return DNSRecord(
            anyName(&generator), timeToLive: UInt32.random(in: 0..<1 << 31, using: &generator),
            values.randomElement(using: &generator)!)
    }

    private static func anyName(_ generator: inout SeededGenerator) -> DomainName {
        let labels = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            generator.bytes(Int.random(in: 1...50, using: &generator))
        }
        return DomainName(labels: labels)!
    }
}
