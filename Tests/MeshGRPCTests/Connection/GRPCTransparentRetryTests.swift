import MeshGRPC
import MeshTransport
import MeshWire
import NIOHPACK
import Synchronization
import TestSupport
import Testing

/// What a client does with calls that a server says it has not run: it makes them again, whatever their method.
@Suite(.timeLimit(.minutes(5))) struct GRPCTransparentRetryTests {
    private typealias Place = ScriptedHTTP2Server.Place

    /// Not to be run twice.
    private static let once = UnaryMethod<Note, Note>(service: Echo.name, method: "Once", retry: .never)
    private static let downloadOnce = ServerStreamingMethod<Note, Note>(
        service: Echo.name, method: "DownloadOnce", retry: .never)

    /// `REFUSED_STREAM`.
    private static let refused: UInt32 = 7

    /// How a server says that it has not run a call.
    enum Refusal: String, CaseIterable, Sendable {
        case reset, goAway

        func bytes(_ stream: UInt32) -> HTTP2Bytes {
            var bytes = HTTP2Bytes()
            switch self {
            case .reset: bytes.reset(stream, code: GRPCTransparentRetryTests.refused)
            case .goAway: bytes.goAway(after: stream - 1)
            }
            return bytes
        }
    }

    /// A server that refuses its first call and answers all others, and its client.
    private func refusing(_ refusal: Refusal) async throws -> (ScriptedHTTP2Server, MeshClient) {
        let requests = Tally()
        let server = try await ScriptedHTTP2Server.start { arrival in
            guard case .request(let request) = arrival else { return HTTP2Bytes() }
            if requests.add() == 1 { return refusal.bytes(request.stream) }
            var bytes = HTTP2Bytes()
            bytes.answer(request.stream, request.note)
            return bytes
        }
        var configuration = MeshConfiguration.patient
        // What has not run is repeated whatever this says.
        configuration.retry.maximumAttempts = 1
        return (server, try server.client(mesh: configuration))
    }

    /// Where a call that is refused once is made: after a goodbye on a new connection.
    private func places(_ refusal: Refusal) -> [Place] {
        [
            Place(connection: 1, stream: 1),
            refusal == .goAway ? Place(connection: 2, stream: 1) : Place(connection: 1, stream: 3),
        ]
    }

    @Test("a call that was refused is made again", arguments: Refusal.allCases)
    func again(_ refusal: Refusal) async throws {
        let (server, client) = try await refusing(refusal)
        #expect(try await client.call(Self.once, Note("x")) == Note("x"))
        #expect(server.requests.map(\.place) == places(refusal))
        #expect(server.requests.allSatisfy { $0.note == Note("x") })
        client.close()
        await server.stop()
    }

    @Test("a call of several responses that was refused is made again", arguments: Refusal.allCases)
    func streamingAgain(_ refusal: Refusal) async throws {
        let (server, client) = try await refusing(refusal)
        let answers = try await client.call(Self.downloadOnce, Note("x")) { responses in
            var answers: [Note] = []
            for try await note in responses { answers.append(note) }
            return answers
        }
        #expect(answers == [Note("x")])
        #expect(server.requests.map(\.place) == places(refusal))
        client.close()
        await server.stop()
    }

    @Test(
        "a call that is always refused ends with an error that says that it was not sent", arguments: Refusal.allCases)
    func never(_ refusal: Refusal) async throws {
        let server = try await ScriptedHTTP2Server.start { arrival in
            guard case .request(let request) = arrival else { return HTTP2Bytes() }
            return refusal.bytes(request.stream)
        }
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 4
        let client = try server.client(mesh: configuration)
        let error = await meshError { _ = try await client.call(Self.once, Note("x")) }
        #expect(error?.progress == .notSent, "\(error.map { "\($0)" } ?? "no error")")
        #expect(error?.code == .draining)
        #expect(error?.peer == "spiffe://test.example/server")
        // Once at once, and then as often as any call that has failed.
        #expect(server.requests.count == 5)
        client.close()
        await server.stop()
    }

    /// What does not say that a call has not run.
    enum Failure: String, CaseIterable, Sendable {
        case otherReset, cancelReset, refusalAfterTheHead, endWithoutAnswer

        func bytes(_ stream: UInt32) -> HTTP2Bytes {
            var bytes = HTTP2Bytes()
            switch self {
            case .otherReset: bytes.reset(stream, code: 2)
            case .cancelReset: bytes.reset(stream, code: 8)
            case .refusalAfterTheHead:
                bytes.responseHead(stream)
                bytes.reset(stream, code: GRPCTransparentRetryTests.refused)
            case .endWithoutAnswer:
                bytes.headers(stream, [0x88], flags: HTTP2Bytes.Frame.endHeaders | HTTP2Bytes.Frame.endStream)
            }
            return bytes
        }
    }

    @Test("a call that may have run is not made again", arguments: Failure.allCases)
    func mayHaveRun(_ failure: Failure) async throws {
        let server = try await ScriptedHTTP2Server.start { arrival in
            guard case .request(let request) = arrival else { return HTTP2Bytes() }
            return failure.bytes(request.stream)
        }
        let client = try server.client()
        let error = await meshError { _ = try await client.call(Self.once, Note("x")) }
        #expect(error?.progress == .mayHaveRun, "\(error.map { "\($0)" } ?? "no error")")
        #expect(server.requests.count == 1)
        client.close()
        await server.stop()
    }

    @Test(
        "of two calls under way when a server goes, it finishes the one that it names, and the other is made elsewhere")
    func goesAwayBetween() async throws {
        let server = try await ScriptedHTTP2Server.start { arrival in
            var bytes = HTTP2Bytes()
            guard case .request(let request) = arrival else { return bytes }
            switch (request.connection, request.stream) {
            case (1, 1): break
            case (1, 3):
                bytes.goAway(after: 1)
                bytes.answer(1, Note("old"))
            default: bytes.answer(request.stream, Note("new"))
            }
            return bytes
        }
        let client = try server.client()
        _ = try await client.connection()
        async let one = client.call(Self.once, Note("a"))
        async let other = client.call(Self.once, Note("b"))
        #expect(try await Set([one.text, other.text]) == ["old", "new"])
        let requests = server.requests
        #expect(
            requests.map(\.place) == [
                Place(connection: 1, stream: 1), Place(connection: 1, stream: 3), Place(connection: 2, stream: 1),
            ])
        #expect(requests.dropFirst().allSatisfy { $0.note == requests[1].note })
        client.close()
        await server.stop()
    }

    @Test("a server that goes when it has answered all is not called again")
    func goesAwayAfterwards() async throws {
        let server = try await ScriptedHTTP2Server.start { arrival in
            var bytes = HTTP2Bytes()
            guard case .request(let request) = arrival else { return bytes }
            bytes.goAway(after: request.stream)
            bytes.answer(request.stream, request.note)
            return bytes
        }
        let client = try server.client()
        for text in ["a", "b"] { #expect(try await client.call(Self.once, Note(text)) == Note(text)) }
        #expect(server.requests.map(\.place) == [Place(connection: 1, stream: 1), Place(connection: 2, stream: 1)])
        client.close()
        await server.stop()
    }

    @Test("a server is told how many attempts of a call there were before")
    func previousAttempts() async throws {
        let counts = Mutex<[String?]>([])
        let server = try await ScriptedHTTP2Server.start { arrival in
            guard case .request(let request) = arrival else { return HTTP2Bytes() }
            let seen = counts.withLock { counts in
                counts.append(request.headers.first(name: "grpc-previous-rpc-attempts"))
                return counts.count
            }
            var bytes = HTTP2Bytes()
            if seen < 3 {
                bytes.reset(request.stream, code: Self.refused)
            } else {
                bytes.answer(request.stream, request.note)
            }
            return bytes
        }
        let client = try server.client(mesh: .patient)
        _ = try await client.call(Self.once, Note("x"))
        // The first repetition is for free, and counted by nobody.
        #expect(counts.withLock { $0 } == [nil, nil, "1"])
        client.close()
        await server.stop()
    }
}
