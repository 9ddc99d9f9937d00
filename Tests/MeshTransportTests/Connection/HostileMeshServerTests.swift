import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// What a server with a good certificate does wrong in `meshwork/1`, frame by frame: the call ends with an error that
/// names it, and the next call of a server that does nothing wrong is answered. ``ClientConnectionTests`` has more of it.
@Suite(.timeLimit(.minutes(5))) struct HostileMeshServerTests {
    enum Attack: String, CaseIterable, Sendable {
        case garbage, groupInAHead, oversizedFrame, oversizedControlFrame
        case truncatedHeader, truncatedAnswer, truncatedData, headLongerThanItsFrame
        case unknownKind, unknownFlags, reservedBits, unsharedFeature, unsharedChecksum, clientsFrame, secondHello
        case answerOnAnUnopenedStream, answerOnAnEvenStream, dataOnAnUnopenedStream, messageOnAnUnopenedStream
        case metadataOnAnUnopenedStream, creditOnAnUnopenedStream
        case dataBeforeTheAnswer, messageOfAUnaryCall, secondMetadata, answerInsideAnother, moreThanWasAnnounced
        case messageInsideAnother, answerInsideAMessage, answerWithAMessage
        case messageBeyondTheCredit, moreBesideTheHead, creditOverflow, creditOfNothing
        case pingFlood, emptyDataFlood

        /// Whether the call that it answers is one of several responses.
        var streams: Bool {
            switch self {
            case .messageInsideAnother, .answerInsideAMessage, .answerWithAMessage, .messageBeyondTheCredit: true
            default: false
            }
        }

        /// Whether the server goes away behind the bytes.
        var closes: Bool {
            switch self {
            case .truncatedHeader, .truncatedAnswer, .truncatedData: true
            default: false
            }
        }

        /// What the client finds.
        var cause: WireError.Code {
            switch self {
            case .garbage, .groupInAHead, .unknownKind, .unknownFlags, .reservedBits, .unsharedChecksum,
                .moreThanWasAnnounced, .answerWithAMessage, .creditOfNothing, .emptyDataFlood:
                .malformed
            case .oversizedFrame, .oversizedControlFrame, .pingFlood: .tooLarge
            case .truncatedHeader, .truncatedAnswer, .truncatedData, .headLongerThanItsFrame: .truncated
            case .messageBeyondTheCredit, .moreBesideTheHead, .creditOverflow: .flowControl
            default: .unexpectedFrame
            }
        }

        /// What answers the call on stream 1.
        var bytes: [UInt8] {
            var bytes = RawBytes()
            bytes.bytes = []
            switch self {
            case .garbage: return Array(repeating: 0xEE, count: 10_000)
            case .groupInAHead: bytes.add(.response, 1, ByteBuffer(bytes: [1, 0x0B]))
            case .oversizedFrame: bytes.header(.response, 1, claiming: 100 << 20)
            case .oversizedControlFrame: bytes.header(.goAway, 0, claiming: 10_000)
            case .truncatedHeader: return [0, 0, 1]
            case .truncatedAnswer:
                bytes.answer(1)
                bytes.bytes.removeLast()
            case .truncatedData:
                bytes.answer(1, announcing: 1_000)
                bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 1_000))
                bytes.bytes.removeLast(500)
            case .headLongerThanItsFrame: bytes.add(.response, 1, ByteBuffer(bytes: [100, 0x28, 0x01]))
            case .unknownKind: return [0, 0, 0, 1, 0xAB, 0, 0, 0, 0, 0, 0, 1, 0]
            case .unknownFlags: return [0, 0, 0, 0, FrameKind.response.rawValue, 2, 0, 0, 0, 0, 0, 1]
            case .reservedBits: return [0, 0, 0, 0, FrameKind.response.rawValue, 0, 0, 1, 0, 0, 0, 1]
            case .unsharedFeature: bytes.ping()
            case .unsharedChecksum: bytes.header(.response, 1, claiming: 12, hasChecksum: true)
            case .clientsFrame: bytes.request(1)
            case .secondHello: bytes.add(.hello, 0, Payload(Hello(instance: InstanceID(high: 1, low: 1))).head)
            case .answerOnAnUnopenedStream: bytes.answer(9)
            case .answerOnAnEvenStream: bytes.answer(2)
            case .dataOnAnUnopenedStream: bytes.add(.data, 9, ByteBuffer(repeating: 7, count: 10))
            case .messageOnAnUnopenedStream: bytes.message(9)
            case .metadataOnAnUnopenedStream: bytes.add(.metadata, 9)
            case .creditOnAnUnopenedStream: bytes.credit(9, 1)
            case .dataBeforeTheAnswer: bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 10))
            case .messageOfAUnaryCall: bytes.message(1)
            case .secondMetadata: for _ in 0..<2 { bytes.add(.metadata, 1) }
            case .answerInsideAnother:
                bytes.answer(1, announcing: 10)
                bytes.answer(1)
            case .moreThanWasAnnounced:
                bytes.answer(1, announcing: 10)
                bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 11))
            case .messageInsideAnother:
                bytes.message(1, announcing: 10)
                bytes.message(1)
            case .answerInsideAMessage:
                bytes.message(1, announcing: 10)
                bytes.answer(1)
            case .answerWithAMessage: bytes.answer(1, announcing: 10)
            case .messageBeyondTheCredit: bytes.message(1, ignored: 300_000)
            case .moreBesideTheHead: bytes.answer(1, beside: 16_385)
            case .creditOverflow: for _ in 0..<300 { bytes.credit(0, .max) }
            case .creditOfNothing: bytes.credit(0, 0)
            case .pingFlood: for _ in 0..<100_000 { bytes.ping() }
            case .emptyDataFlood:
                bytes.answer(1, announcing: 10)
                for _ in 0..<5_000 { bytes.add(.data, 1) }
            }
            return bytes.bytes
        }
    }

    /// A client's mesh that tries once.
    private func mesh(
        _ authority: TestAuthority, _ change: (inout MeshConfiguration) -> Void = { _ in }
    ) throws -> Mesh {
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        change(&configuration)
        return try Mesh(configuration: configuration, identity: try authority.identity("/client"), policy: .denyAll)
    }

    private func destination(_ port: Int, _ path: String, _ authority: TestAuthority) throws -> Destination {
        Destination(host: "127.0.0.1", port: port, identities: [.exact(try authority.id(path))])
    }

    @Test(
        "a server's attack ends the call with an error that names it, and the next call of a good server is answered",
        .serialized, arguments: Attack.allCases)
    func attack(_ attack: Attack) async throws {
        let loopback = try await Loopback.start()
        let greeting = RawBytes(features: attack != .unsharedFeature).bytes
        let bad = try await RawServer.start(
            as: try loopback.authority.svid("/bad"),
            RawServer.Script(greeting: greeting, answer: attack.bytes, closes: attack.closes))
        let mesh = try mesh(loopback.authority)
        let good = mesh.client(try destination(loopback.port, "/server", loopback.authority))
        #expect(try await good.call(Echo.once, Note("before")) == Note("before"))
        let client = mesh.client(try destination(bad.port, "/bad", loopback.authority))
        let error = await meshError {
            if attack.streams {
                try await client.call(Echo.repeated, Note("x")) { responses in for try await _ in responses {} }
            } else {
                _ = try await client.call(Echo.once, Note("x"))
            }
        }
        #expect(error?.code == (attack.closes ? .connectionLost : .protocolViolation), "\(String(describing: error))")
        #expect(error?.peer == "spiffe://test.example/bad")
        #expect(error?.progress == .mayHaveRun)
        #expect((error?.cause as? WireError)?.code == attack.cause, "\(String(describing: error))")
        #expect(try await good.call(Echo.once, Note("after")) == Note("after"))
        for client in [good, client] { client.close() }
        await bad.stop()
        await loopback.server.stop()
    }

    @Test("what the page says is ignored is, however much of it, and the answer behind it is read")
    func passedOver() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        var bytes = RawBytes()
        bytes.bytes = []
        for _ in 0..<20_000 {
            bytes.add(.pong, 0, ByteBuffer(integer: UInt64(1)))
            bytes.credit(1, 1)
        }
        // Field 15 of three bytes.
        bytes.headed(.response, 1, ReplyHead(), extra: [0x7A, 3, 1, 2, 3])
        let server = try await RawServer.start(
            as: try authority.svid("/odd"),
            RawServer.Script(greeting: RawBytes(features: true).bytes, answer: bytes.bytes))
        let client = try mesh(authority).client(try destination(server.port, "/odd", authority))
        #expect(try await client.call(Echo.once, Note("x")) == Note(""))
        client.close()
        await server.stop()
    }

    @Test("a server that never answers costs the call its deadline, and one that says nothing the connection its time")
    func silence() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let cases: [([UInt8], MeshError.Code)] = [
            (RawBytes(features: true).bytes, .deadlineExceeded), (Preface.bytes, .connectFailed),
        ]
        for (greeting, code) in cases {
            let silent = try await RawServer.start(
                as: try authority.svid("/silent"), RawServer.Script(greeting: greeting))
            let mesh = try mesh(authority) {
                if code == .connectFailed { $0.connectTimeout = .milliseconds(500) }
            }
            let client = mesh.client(try destination(silent.port, "/silent", authority))
            let timeout: Duration = code == .connectFailed ? .seconds(240) : .milliseconds(500)
            let error = await meshError { _ = try await client.call(Echo.once, Note("x"), timeout: timeout) }
            #expect(error?.code == code, "\(String(describing: error))")
            client.close()
            await silent.stop()
        }
    }
}

extension RawBytes {
    /// A call's answer: an empty message, or one with a segment that does not follow, or `beside` bytes of a message
    /// behind its head.
    fileprivate mutating func answer(_ stream: UInt32, announcing segment: Int? = nil, beside: Int = 0) {
        let layout = PayloadLayout(
            headLength: beside, segments: segment.map { [.init(field: 2, length: $0)] } ?? [])
        headed(.response, stream, ReplyHead(layout: layout), inline: Array(repeating: 0, count: beside))
    }
}
