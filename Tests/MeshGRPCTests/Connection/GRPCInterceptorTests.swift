import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

/// The host's interceptors, on calls over gRPC.
@Suite(.timeLimit(.minutes(5))) struct GRPCInterceptorTests {
    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private struct Caller: ClientInterceptor {
        let notes: Notes
        func willCall(_ call: inout ClientCall) throws -> CallObserver? {
            call.metadata.append(.init(key: "tenant", value: "7"))
            return { outcome in
                notes.add(
                    "\(outcome.status) \(outcome.metadata["served-by"] ?? "none") \(outcome.trailers["cost"] ?? "none")"
                )
            }
        }
    }

    private struct Gate: ServerInterceptor {
        let name = "gate"
        func willAuthorize(_ call: inout ServerCall) throws -> CallObserver? {
            guard call.metadata["tenant"] == "7" else { throw CallFailure(.unauthenticated, "whose call is this?") }
            call.responseMetadata.append(.init(key: "served-by", value: "a"))
            call.trailers.append(.init(key: "cost", value: "\(call.kind)"))
            return nil
        }
    }

    private struct Around: AsyncServerInterceptor {
        let notes: Notes
        func handle(_ call: ServerCall, _ handler: () async -> CallOutcome) async throws {
            notes.add("around \(await handler().status)")
        }
    }

    @Test("calls of every kind pass them on both sides, and what they say crosses both ways")
    func everyKind() async throws {
        let (seen, around) = (Notes(), Notes())
        var (server, caller) = (MeshConfiguration.patient, MeshConfiguration.patient)
        server.serverInterceptors = [Gate(), Around(notes: around)]
        caller.clientInterceptors = [Caller(notes: seen)]
        let loopback = try await GRPCLoopback.start(mesh: server)
        let client = try loopback.client(mesh: caller)
        let answer = try await client.answer(Echo.echo, Note("x"))
        #expect(answer.metadata["tenant"] == "7" && answer.trailers["peer"]?.isEmpty == false)
        #expect(seen.take() == ["ok a unary"])
        try await client.call(Echo.repeated, Note("ab")) { responses in for try await _ in responses {} }
        #expect(seen.take() == ["ok a serverStreaming"])
        _ = try await client.call(Echo.joined) { requests in try await requests.send(Note("x")) }
        #expect(seen.take() == ["ok a clientStreaming"])
        try await client.call(Echo.chat) { requests, responses in
            requests.finish()
            for try await _ in responses {}
        }
        #expect(seen.take() == ["ok a bidirectional"])
        let error = await meshError { _ = try await client.call(Echo.fail, Note("x")) }
        #expect(error?.status == .dataLoss && error?.trailers["cost"] == "unary")
        #expect(around.take() == ["around ok", "around ok", "around ok", "around ok", "around dataLoss"])
        await loopback.server.stop()
    }

    @Test("a refusal is the answer, for every kind of call")
    func refusal() async throws {
        var server = MeshConfiguration.patient
        server.serverInterceptors = [Gate()]
        let loopback = try await GRPCLoopback.start(mesh: server)
        let client = try loopback.client()
        let errors = [
            await meshError { _ = try await client.call(Echo.echo, Note("x")) },
            await meshError {
                try await client.call(Echo.repeated, Note("x")) { responses in for try await _ in responses {} }
            },
            await meshError { _ = try await client.call(Echo.joined) { _ in } },
            await meshError {
                try await client.call(Echo.chat) { _, responses in for try await _ in responses {} }
            },
        ]
        for error in errors {
            #expect(error?.status == .unauthenticated && error?.progress == .answered)
            #expect(error?.message == "the interceptor gate refused the call: whose call is this?")
        }
        await loopback.server.stop()
    }
}
