import MeshWire

@testable import MeshTransport

/// What tells where servers are.
enum Discovery {
    private static let question = DNSQuestion(DomainName("scoring.shop.example")!, .srv)

    /// A message of a name server: what can be read reads back the same, and answers a question or fails to.
    static func message(_ bytes: [UInt8]) {
        guard let message = try? DNSMessage(decoding: bytes) else { return }
        precondition(message.answers.count + message.authorities.count <= DNSMessage.recordLimit)
        for record in message.answers { precondition(record.name.wire.count <= DomainName.longest) }
        let encoded = message.encoded
        // Without compression a message may be longer than one can be.
        if encoded.count <= 65_535 { precondition((try? DNSMessage(decoding: encoded)) == message) }
        for question in message.questions + [question] { _ = try? DNSAnswer(message, to: question) }
        var transaction = DNSTransaction(question, servers: [.tcp(host: "10.0.0.1", port: 53)], rounds: 3)
        var generator = SplitMix64(seed: UInt64(message.id))
        _ = transaction.begin(using: &generator)
        // The id that it has drawn, so that the message is looked at.
        var (copy, other) = (bytes, SplitMix64(seed: UInt64(message.id)))
        let id = UInt16(truncatingIfNeeded: other.next())
        (copy[0], copy[1]) = (UInt8(id >> 8), UInt8(truncatingIfNeeded: id))
        _ = transaction.received(copy, using: &generator)
        _ = transaction.received(copy, using: &generator)
    }

    static func messageSeeds() -> [[UInt8]] {
        var response = DNSMessage(id: 1, question)
        response.isResponse = true
        let server = DNSServerRecord(priority: 1, weight: 2, port: 7_000, target: DomainName("a.shop.example")!)
        response.answers = [
            DNSRecord(question.name, timeToLive: 30, .server(server)),
            DNSRecord(question.name, timeToLive: 30, .alias(server.target)),
        ]
        response.additionals = [
            DNSRecord(server.target, timeToLive: 30, .address([10, 0, 0, 1])),
            DNSRecord(server.target, timeToLive: 30, .address([UInt8](repeating: 1, count: 16))),
        ]
        var absent = DNSMessage(id: 2, question, isExtended: false)
        (absent.isResponse, absent.responseCode) = (true, .nameError)
        absent.authorities = [DNSRecord(DomainName("example")!, timeToLive: 60, .zone(minimum: 30))]
        var truncated = DNSMessage(id: 3, question)
        (truncated.isResponse, truncated.isTruncated) = (true, true)
        // A name that points to the question's.
        let header: [UInt8] = [0, 4, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
        let answer: [UInt8] = [0, 33, 0, 1, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1]
        let compressed = header + question.name.wire + answer
        return [DNSMessage(id: 5, question).encoded, response.encoded, absent.encoded, truncated.encoded, compressed]
    }

    /// A file of endpoints, or of a resolver.
    static func list(_ bytes: [UInt8]) {
        if let list = try? EndpointList(parsing: bytes) {
            precondition(!list.services.isEmpty)
            for (service, endpoints) in list.services {
                precondition(!service.isEmpty && endpoints.allSatisfy { $0.weight > 0 })
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let file = ResolverFile(parsing: text)
        precondition(
            file.servers.count <= 3 && file.attempts >= 1 && file.timeout > .zero && (0...15).contains(file.dots))
        _ = HostsFile(parsing: text)
    }

    static func listSeeds() -> [[UInt8]] {
        [
            "scoring.shop [fd00::2]:7000 or=10.0.0.2:7000 priority=1 # x\nledger.shop -\n",
            "scoring.shop 10.0.0.1:7000 weight=2 zone=a identity=spiffe://shop.example/scoring\nscoring.shop unix:/run/s\n",
            "search a b.c\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\noptions ndots:5 timeout:2 attempts:3 rotate\n",
            "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
        ].map { Array($0.utf8) }
    }
}
