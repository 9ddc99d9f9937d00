import MeshWire

/// Asks servers one question until one of them answers it: which is asked next, how, and what counts as an answer.
///
/// A state machine without I/O, clock or chance. Each time that a question is sent it has an id of its own, and its sender
/// a socket of its own, whose port the system draws: 32 random bits that a forged answer has to guess (RFC 5452). What
/// does not match is passed over, and the right answer waited for.
///
/// ```
///            ┌───────────── truncated ─────────────┐
/// asking over UDP ── answer ──▶ finished ◀── answer ── asking over TCP
///       │ out of time, refused, failed: the next server, or the next round      │
///       └───────────────────────◀───────────────────────────────────────────────┘
/// ```
package struct DNSTransaction: Sendable {
    /// How a question is sent.
    package enum Carrier: Sendable, Hashable {
        case udp, tcp
    }

    /// What is to be done.
    package enum Action: Sendable, Hashable {
        /// Send these bytes to the server, from a new socket, and forget the one before.
        case send([UInt8], to: Endpoint, Carrier)
        /// Go on waiting for an answer.
        case wait
        /// It is answered.
        case finish(DNSAnswer)
        /// Nobody answers it.
        case fail(DNSFailure)
    }

    private let question: DNSQuestion
    private let servers: [Endpoint]
    private let rounds: Int
    private var id: UInt16 = 0
    private var carrier = Carrier.udp
    /// How many times a server's turn has come.
    private var turn = 0
    /// Whether questions have an OPT record; not for a server that does not know it.
    private var isExtended = true
    private var isOver = false
    /// What became of the last server.
    private var last = "no server is known"

    /// - Parameters:
    ///   - servers: whom to ask, in order.
    ///   - rounds: how often each is asked, at least 1.
    package init(_ question: DNSQuestion, servers: [Endpoint], rounds: Int) {
        self.question = question
        self.servers = servers
        self.rounds = rounds
    }

    /// Sends the question for the first time.
    package mutating func begin(using generator: inout some RandomNumberGenerator) -> Action {
        guard !servers.isEmpty else { return fail() }
        return ask(.udp, &generator)
    }

    /// Bytes have come on the socket of the last question.
    package mutating func received(_ bytes: [UInt8], using generator: inout some RandomNumberGenerator) -> Action {
        guard !isOver else { return .wait }
        let response: DNSMessage
        do throws(DNSFormatError) {
            response = try DNSMessage(decoding: bytes)
        } catch {
            // Whoever sends nonsense over UDP need not be the server.
            guard carrier == .tcp else { return isCut(bytes) ? ask(.tcp, &generator) : .wait }
            return failed("sent no message: \(error)", using: &generator)
        }
        guard isAnswer(response) else {
            // On a connection nobody else speaks, and who goes on so is not to be listened to.
            return carrier == .udp ? .wait : failed("answered another question over TCP", using: &generator)
        }
        if response.isTruncated {
            guard carrier == .udp else { return failed("truncated its answer over TCP", using: &generator) }
            return ask(.tcp, &generator)
        }
        if isExtended, response.datagramLimit == nil,
            [.formatError, .notImplemented].contains(response.responseCode)
        {
            // A server from before 1999 (RFC 6891, section 7).
            isExtended = false
            return ask(carrier, &generator)
        }
        do throws(DNSFailure) {
            let answer = try DNSAnswer(response, to: question)
            isOver = true
            return .finish(answer)
        } catch {
            return failed("answered \(response.responseCode)", using: &generator)
        }
    }

    /// The time for an answer is over.
    package mutating func timedOut(using generator: inout some RandomNumberGenerator) -> Action {
        failed("did not answer in time", using: &generator)
    }

    /// The server could not be asked, or has gone.
    package mutating func failed(_ reason: String, using generator: inout some RandomNumberGenerator) -> Action {
        guard !isOver else { return .wait }
        last = "\(servers[turn % servers.count]) \(reason)"
        turn += 1
        guard turn < servers.count * rounds else { return fail() }
        isExtended = true
        return ask(.udp, &generator)
    }

    private mutating func ask(_ carrier: Carrier, _ generator: inout some RandomNumberGenerator) -> Action {
        self.carrier = carrier
        id = UInt16(truncatingIfNeeded: generator.next())
        let message = DNSMessage(id: id, question, isExtended: isExtended)
        return .send(message.encoded, to: servers[turn % servers.count], carrier)
    }

    private mutating func fail() -> Action {
        isOver = true
        return .fail(DNSFailure("\(question): \(last)"))
    }

    /// Whether bytes that are no message begin with the header of our answer that says it was cut (RFC 2181, section 9:
    /// then the rest does not count).
    private func isCut(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 12, UInt16(bytes[0]) << 8 | UInt16(bytes[1]) == id else { return false }
        // A response, of operation 0, truncated.
        return bytes[2] & 0xFA == 0x82
    }

    private func isAnswer(_ response: DNSMessage) -> Bool {
        guard response.isResponse, response.id == id, response.operation == 0 else { return false }
        // A server that does not understand a question may leave it out.
        if response.questions.isEmpty { return response.responseCode == .formatError }
        return response.questions == [question]
    }
}
