import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct DNSTransactionTests {
    private static let servers: [Endpoint] = [.tcp(host: "10.0.0.53", port: 53), .tcp(host: "10.0.0.54", port: 53)]
    private let question = DNSQuestion(DomainName("scoring.shop")!, .a)
    private let answer = DNSAnswer.records([.address([10, 0, 0, 1])], timeToLive: 30)

    private struct Sent {
        let message: DNSMessage
        let server: Endpoint
        let carrier: DNSTransaction.Carrier
    }

    private func sent(_ action: DNSTransaction.Action) throws -> Sent {
        guard case .send(let bytes, let server, let carrier) = action else {
            throw DNSFailure("expected a question, found \(action)")
        }
        return Sent(message: try DNSMessage(decoding: bytes), server: server, carrier: carrier)
    }

    private func response(to sent: Sent, _ change: (inout DNSMessage) -> Void = { _ in }) -> [UInt8] {
        var message = DNSMessage(id: sent.message.id, question)
        message.isResponse = true
        message.answers = [DNSRecord(question.name, timeToLive: 30, .address([10, 0, 0, 1]))]
        change(&message)
        return message.encoded
    }

    private func transaction(rounds: Int = 2) -> (DNSTransaction, SeededGenerator) {
        (DNSTransaction(question, servers: Self.servers, rounds: rounds), SeededGenerator(seed: 1))
    }

    @Test("the first server is asked over UDP, and its answer ends it")
    func answered() throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        #expect(first.server == Self.servers[0] && first.carrier == .udp && first.message.questions == [question])
        #expect(transaction.received(response(to: first), using: &generator) == .finish(answer))
        #expect(transaction.received(response(to: first), using: &generator) == .wait)
        #expect(transaction.timedOut(using: &generator) == .wait)
    }

    @Test("every question has an id of its own")
    func ids() throws {
        var (transaction, generator) = transaction(rounds: 5)
        var ids = [try sent(transaction.begin(using: &generator)).message.id]
        for _ in 0..<9 { ids.append(try sent(transaction.timedOut(using: &generator)).message.id) }
        #expect(Set(ids).count == 10)
    }

    @Test("what is not the answer is passed over, and the answer taken that comes after it")
    func forgeries() throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        let forgeries: [(String, [UInt8])] = [
            ("another id", response(to: first) { $0.id &+= 1 }),
            ("a question", response(to: first) { $0.isResponse = false }),
            ("another operation", response(to: first) { $0.operation = 4 }),
            ("another name", response(to: first) { $0.questions[0].name = DomainName("evil.shop")! }),
            ("another kind", response(to: first) { $0.questions[0].type = .aaaa }),
            ("two questions", response(to: first) { $0.questions.append($0.questions[0]) }),
            ("no question", response(to: first) { $0.questions = [] }),
            ("nonsense", [1, 2, 3]), ("nothing", []),
            ("the answer, cut off", response(to: first).dropLast(1)),
        ]
        for (what, bytes) in forgeries {
            #expect(transaction.received(bytes, using: &generator) == .wait, "\(what)")
        }
        #expect(transaction.received(response(to: first), using: &generator) == .finish(answer))
    }

    @Test("the answer to an earlier question is none to the next")
    func late() throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        _ = transaction.timedOut(using: &generator)
        #expect(transaction.received(response(to: first), using: &generator) == .wait)
    }

    @Test("a truncated answer is asked for again over TCP, at the same server")
    func truncated() throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        let second = try sent(
            transaction.received(
                response(to: first) {
                    $0.isTruncated = true
                    $0.answers = []
                }, using: &generator))
        #expect(second.carrier == .tcp && second.server == Self.servers[0] && second.message.id != first.message.id)
        #expect(transaction.received(response(to: second), using: &generator) == .finish(answer))
    }

    @Test("an answer that was cut inside a record is asked for again over TCP too, if it says so and is ours")
    func cutInsideRecord() throws {
        for (byte, mask, isOurs) in [(2, 0, true), (2, 0x02, false), (1, 0x01, false)] as [(Int, UInt8, Bool)] {
            var (transaction, generator) = transaction()
            let first = try sent(transaction.begin(using: &generator))
            var bytes = Array(response(to: first) { $0.isTruncated = true }.dropLast(3))
            bytes[byte] ^= mask
            let action = transaction.received(bytes, using: &generator)
            guard isOurs else {
                #expect(action == .wait)
                continue
            }
            #expect(try sent(action).carrier == .tcp)
        }
    }

    @Test("nonsense over TCP, and an answer that is truncated there, are its server's failure")
    func brokenStream() throws {
        for isNonsense in [true, false] {
            var (transaction, generator) = transaction()
            let first = try sent(transaction.begin(using: &generator))
            let second = try sent(
                transaction.received(response(to: first) { $0.isTruncated = true }, using: &generator))
            let bytes = isNonsense ? [1, 2, 3] : response(to: second) { $0.isTruncated = true }
            let third = try sent(transaction.received(bytes, using: &generator))
            #expect(third.server == Self.servers[1] && third.carrier == .udp)
        }
    }

    @Test(
        "a server that fails, refuses or knows nothing of questions is followed by the next",
        arguments: [.serverFailure, .refused, .notImplemented, .badVersion] as [DNSMessage.ResponseCode])
    func failing(code: DNSMessage.ResponseCode) throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        let second = try sent(
            transaction.received(response(to: first) { $0.responseCode = code }, using: &generator))
        #expect(second.server == Self.servers[1])
        #expect(transaction.received(response(to: second), using: &generator) == .finish(answer))
    }

    @Test("that a name is not there is an answer: no other server is asked")
    func absent() throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        let action = transaction.received(
            response(to: first) {
                $0.responseCode = .nameError
                $0.answers = []
            }, using: &generator)
        #expect(action == .finish(.absent(isName: true, timeToLive: nil)))
    }

    @Test("a server that does not know EDNS is asked without it, and the next one with it")
    func withoutOptions() throws {
        var (transaction, generator) = transaction()
        let first = try sent(transaction.begin(using: &generator))
        #expect(first.message.datagramLimit == 1_232)
        let second = try sent(
            transaction.received(
                response(to: first) {
                    $0.responseCode = .formatError
                    $0.datagramLimit = nil
                    $0.questions = []
                }, using: &generator))
        #expect(second.server == Self.servers[0] && second.message.datagramLimit == nil)
        let third = try sent(transaction.timedOut(using: &generator))
        #expect(third.message.datagramLimit == 1_232)
    }

    @Test("servers that do not answer are asked in turn, as often as is said, and the failure names the last")
    func exhausted() throws {
        var (transaction, generator) = transaction()
        var asked = [try sent(transaction.begin(using: &generator)).server]
        for _ in 0..<2 { asked.append(try sent(transaction.timedOut(using: &generator)).server) }
        asked.append(try sent(transaction.failed("is down", using: &generator)).server)
        #expect(asked == Self.servers + Self.servers)
        guard case .fail(let failure) = transaction.timedOut(using: &generator) else {
            Issue.record("expected a failure")
            return
        }
        #expect(failure.description == "A of scoring.shop: 10.0.0.54:53 did not answer in time")
    }

    @Test("without servers it fails")
    func noServers() {
        var (transaction, generator) = (DNSTransaction(question, servers: [], rounds: 2), SeededGenerator(seed: 1))
        #expect(transaction.begin(using: &generator) == .fail(DNSFailure("A of scoring.shop: no server is known")))
    }
}
