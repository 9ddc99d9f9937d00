import Identity
import MeshGRPC
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// What goes wrong with a call over gRPC, and what its caller learns: the kind of error, and how far the call came.
@Suite(.timeLimit(.minutes(5))) struct GRPCBadInputTests {
    /// A way to go wrong.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: MeshError.Code
        var status: CallStatus?
        let progress: MeshError.Progress
        /// Goes wrong, with a client, its server, and what yields once the server's slow handler has begun.
        let provoke: @Sendable (MeshClient, GRPCLoopback, AsyncStream<Void>) async throws -> MeshError?
    }

    /// Says that it is a note, and is none.
    private struct Wrong: MeshMessage {
        static let messageName = Note.messageName
        init() {}
        init(from decoder: inout MessageDecoder) throws(WireError) { throw WireError(.malformed, "not one") }
        func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, 7) }
    }

    private static func method<Request: MeshMessage, Response: MeshMessage>(
        _ name: String, _ request: Request.Type, _ response: Response.Type
    ) -> UnaryMethod<Request, Response> {
        UnaryMethod(service: Echo.name, method: name, retry: .never)
    }

    private static let large = Note("x", payload: Array(repeating: 1, count: 2 << 20))
    private static let largeMetadata: Metadata = ["key": String(repeating: "x", count: 1 << 20)]
    private static let unwritable: Metadata = {
        var metadata = Metadata()
        metadata.append(.init(key: "Key With Spaces", value: "x"))
        return metadata
    }()

    static let rows: [Row] = [
        Row(testDescription: "an unknown method", code: .status, status: .unimplemented, progress: .answered) {
            client, _, _ in
            await meshError { _ = try await client.call(Echo.unserved, Note("x")) }
        },
        Row(
            testDescription: "a request that is no such message", code: .status, status: .invalidArgument,
            progress: .answered
        ) { client, _, _ in
            await meshError { _ = try await client.call(method("Echo", Wrong.self, Note.self), Wrong()) }
        },
        Row(testDescription: "a response that is no such message", code: .malformedMessage, progress: .answered) {
            client, _, _ in
            await meshError { _ = try await client.call(method("Echo", Note.self, Wrong.self), Note("x")) }
        },
        Row(testDescription: "a request over the client's limit", code: .callTooLarge, progress: .notSent) {
            client, _, _ in
            await meshError { _ = try await client.call(Echo.echo, large) }
        },
        Row(
            testDescription: "a request over the server's limit", code: .status, status: .resourceExhausted,
            progress: .answered
        ) { _, loopback, _ in
            let client = try loopback.client()
            defer { client.close() }
            return await meshError { _ = try await client.call(method("Echo", Note.self, Note.self), large) }
        },
        Row(testDescription: "metadata over the limit", code: .callTooLarge, progress: .notSent) { client, _, _ in
            await meshError { _ = try await client.call(Echo.echo, Note("x"), metadata: largeMetadata) }
        },
        Row(testDescription: "metadata that HTTP/2 cannot carry", code: .invalidMetadata, progress: .notSent) {
            client, _, _ in
            await meshError {
                try await client.call(Echo.chat, metadata: unwritable) { _, _ in _ = Issue.record("the call was made") }
            }
        },
        Row(testDescription: "a deadline in the past", code: .deadlineExceeded, progress: .notSent) { client, _, _ in
            await meshError { _ = try await client.call(Echo.echo, Note("x"), timeout: .seconds(-1)) }
        },
        Row(testDescription: "cancelled before sending", code: .cancelled, progress: .notSent) { client, _, _ in
            await withTaskGroup(of: MeshError?.self) { group in
                group.cancelAll()
                group.addTask { await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
                return await group.next()!
            }
        },
        Row(testDescription: "a connection lost before the request", code: .connectFailed, progress: .notSent) {
            _, loopback, _ in
            await loopback.server.stop()
            let client = try loopback.client()
            defer { client.close() }
            return await meshError { _ = try await client.call(method("Echo", Note.self, Note.self), Note("x")) }
        },
        Row(
            testDescription: "a connection lost during the request", code: .connectionLost,
            progress: .mayHaveRun
        ) { client, loopback, _ in
            await meshError {
                try await client.call(Echo.chat) { requests, responses in
                    var iterator = responses.makeAsyncIterator()
                    try await requests.send(Note("x"))
                    #expect(try await iterator.next() == Note("x"))
                    await loopback.server.stop()
                    while try await iterator.next() != nil {}
                }
            }
        },
        Row(
            testDescription: "a connection lost after the request", code: .connectionLost,
            progress: .mayHaveRun
        ) { client, loopback, begun in
            async let error = meshError { _ = try await client.call(method("Late", Note.self, Note.self), Note("x")) }
            for await _ in begun { break }
            await loopback.server.stop()
            return await error
        },
    ]

    @Test("a call that goes wrong ends with an error of its kind that says how far it came", arguments: rows)
    func row(_ row: Row) async throws {
        var configuration = MeshConfiguration.patient
        configuration.limits.messageBytes = 1 << 20
        configuration.limits.largeMessageBytes = 1 << 20
        // A server that stops gives its calls no time.
        configuration.drainTimeout = .zero
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let loopback = try await GRPCLoopback.start(mesh: configuration) { mesh in
            mesh.serveEcho()
            mesh.serve(Self.method("Late", Note.self, Note.self)) { note, call in
                beginning.yield()
                try await call.runtime.sleep(for: .seconds(3_600))
                return note
            }
        }
        let client = try loopback.client(mesh: configuration)
        _ = try await client.connection()
        let error = try await row.provoke(client, loopback, begun)
        #expect(error?.code == row.code, "\(error.map { "\($0)" } ?? "no error")")
        #expect(error?.status == row.status)
        #expect(error?.progress == row.progress)
        #expect(error?.peer != nil)
        client.close()
        await loopback.server.stop()
    }
}
