import Testing

@testable import MeshTransport

@Suite struct DNSAnswerTests {
    private static let name = DomainName("scoring.shop")!
    private let question = DNSQuestion(name, .a)

    private func response(
        _ code: DNSMessage.ResponseCode = .noError, _ answers: [DNSRecord] = [], _ authorities: [DNSRecord] = []
    ) -> DNSMessage {
        var message = DNSMessage(id: 1, question)
        (message.isResponse, message.responseCode) = (true, code)
        (message.answers, message.authorities) = (answers, authorities)
        return message
    }

    private func address(_ last: UInt8, _ time: UInt32, of name: DomainName = name) -> DNSRecord {
        DNSRecord(name, timeToLive: time, .address([10, 0, 0, last]))
    }

    @Test("records hold as long as the one that holds shortest, and each counts once")
    func records() throws {
        let answer = try DNSAnswer(response(.noError, [address(1, 30), address(2, 20), address(1, 40)]), to: question)
        #expect(answer == .records([.address([10, 0, 0, 1]), .address([10, 0, 0, 2])], timeToLive: 20))
    }

    @Test("records of other names and kinds are none of the answer")
    func others() throws {
        let other = DomainName("evil.example")!
        let answer = try DNSAnswer(
            response(
                .noError,
                [
                    address(9, 30, of: other),
                    DNSRecord(Self.name, timeToLive: 9, .address([UInt8](repeating: 1, count: 16))),
                ]),
            to: question)
        #expect(answer == .absent(isName: false, timeToLive: nil))
    }

    @Test("aliases are followed in any order of the records, and the shortest time holds")
    func aliases() throws {
        let (one, two) = (DomainName("one.shop")!, DomainName("two.shop")!)
        let records = [
            address(1, 30, of: two), DNSRecord(one, timeToLive: 5, .alias(two)),
            DNSRecord(Self.name, timeToLive: 60, .alias(one)),
        ]
        let answer = try DNSAnswer(response(.noError, records), to: question)
        #expect(answer == .records([.address([10, 0, 0, 1])], timeToLive: 5))
    }

    @Test("an alias of which nothing more is said is to be asked for")
    func bareAlias() throws {
        let target = DomainName("one.shop")!
        let answer = try DNSAnswer(
            response(.noError, [DNSRecord(Self.name, timeToLive: 60, .alias(target))]), to: question)
        #expect(answer == .alias(target, timeToLive: 60))
    }

    @Test("aliases in a circle are no answer")
    func circle() {
        let one = DomainName("one.shop")!
        let records = [
            DNSRecord(Self.name, timeToLive: 1, .alias(one)), DNSRecord(one, timeToLive: 1, .alias(Self.name)),
        ]
        #expect(throws: DNSFailure.self) { try DNSAnswer(response(.noError, records), to: question) }
    }

    @Test("it holds for the zone's minimum, or the time of its start if less, that something is absent")
    func negative() throws {
        let zone = DomainName("shop")!
        for (time, minimum) in [(60, 10), (10, 60)] as [(UInt32, UInt32)] {
            let start = DNSRecord(zone, timeToLive: time, .zone(minimum: minimum))
            #expect(
                try DNSAnswer(response(.nameError, [], [start]), to: question) == .absent(isName: true, timeToLive: 10))
            #expect(
                try DNSAnswer(response(.noError, [], [start]), to: question) == .absent(isName: false, timeToLive: 10))
        }
    }

    @Test("the start of another zone says nothing")
    func foreignZone() throws {
        let start = DNSRecord(DomainName("example")!, timeToLive: 60, .zone(minimum: 60))
        #expect(
            try DNSAnswer(response(.nameError, [], [start]), to: question) == .absent(isName: true, timeToLive: nil))
    }

    @Test(
        "failures are no answer", arguments: [.serverFailure, .refused, .notImplemented] as [DNSMessage.ResponseCode])
    func failures(code: DNSMessage.ResponseCode) {
        #expect(throws: DNSFailure.self) { try DNSAnswer(response(code), to: question) }
    }
}
