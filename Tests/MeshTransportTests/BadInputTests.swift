import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// What goes wrong with a call, and what its caller learns: the kind of error, and how far the call came.
@Suite struct BadInputTests {
    /// A way to go wrong.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: MeshError.Code
        var status: CallStatus?
        let progress: MeshError.Progress
        /// How often a handler has begun.
        var runs = 0
        /// Goes wrong; the error of the call.
        let provoke: @Sendable (Bench) async throws -> MeshError?
    }

    /// A client, its server and what the server's handlers count.
    struct Bench: Sendable {
        let simulation: Simulated
        let client: MeshClient
        let runs: Tally

        /// The server's process dies.
        func kill() { simulation.runtime.kill(host: "server", port: 1_000) }
    }

    /// Says that it is a note, and is none.
    private struct Wrong: MeshMessage {
        static let messageName = Note.messageName
        init() {}
        init(from decoder: inout MessageDecoder) throws(WireError) { throw WireError(.malformed, "not one") }
        func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, 7) }
    }

    /// Another message.
    private struct Other: MeshMessage {
        static let messageName = "test.Other"
        init() {}
        init(from decoder: inout MessageDecoder) throws(WireError) { while try decoder.nextField() != nil {} }
        func encode(to encoder: inout MessageEncoder) {}
    }

    private static func method<Request: MeshMessage, Response: MeshMessage>(
        _ name: String, _ request: Request.Type, _ response: Response.Type
    ) -> UnaryMethod<Request, Response> {
        UnaryMethod(service: Echo.name, method: name, retry: .idempotent)
    }

    private static let large = Note("x", payload: Array(repeating: 1, count: 2 << 20))
    private static let largeMetadata: Metadata = ["key": String(repeating: "x", count: 1 << 20)]

    static let rows: [Row] = [
        Row(testDescription: "an unknown method", code: .status, status: .unimplemented, progress: .answered) { bench in
            await meshError { _ = try await bench.client.call(method("Missing", Note.self, Note.self), Note("x")) }
        },
        Row(
            testDescription: "an unknown method that streams", code: .status, status: .unimplemented,
            progress: .answered
        ) { bench in
            let missing = BidirectionalMethod<Note, Note>(service: Echo.name, method: "Missing", retry: .never)
            return await meshError {
                try await bench.client.call(missing) { requests, responses in
                    requests.finish()
                    for try await _ in responses {}
                }
            }
        },
        Row(
            testDescription: "a request of another type", code: .status, status: .unimplemented, progress: .answered
        ) { bench in
            await meshError { _ = try await bench.client.call(method("Echo", Other.self, Note.self), Other()) }
        },
        Row(
            testDescription: "a response of another type", code: .status, status: .unimplemented, progress: .answered
        ) { bench in
            await meshError { _ = try await bench.client.call(method("Echo", Note.self, Other.self), Note("x")) }
        },
        Row(
            testDescription: "a call of another kind", code: .status, status: .unimplemented, progress: .answered
        ) { bench in
            await meshError { _ = try await bench.client.call(method("Chat", Note.self, Note.self), Note("x")) }
        },
        Row(
            testDescription: "a request that is no such message", code: .status, status: .invalidArgument,
            progress: .answered
        ) { bench in
            await meshError { _ = try await bench.client.call(method("Echo", Wrong.self, Note.self), Wrong()) }
        },
        Row(
            testDescription: "a response that is no such message", code: .malformedMessage, progress: .answered, runs: 1
        ) { bench in
            await meshError { _ = try await bench.client.call(method("Echo", Note.self, Wrong.self), Note("x")) }
        },
        Row(testDescription: "a request over the limit", code: .callTooLarge, progress: .notSent) { bench in
            await meshError { _ = try await bench.client.call(Echo.echo, large) }
        },
        Row(
            testDescription: "a request over the limit behind others", code: .callTooLarge, progress: .mayHaveRun,
            runs: 1
        ) { bench in
            await meshError {
                _ = try await bench.client.call(Echo.joined) { requests in
                    try await requests.send(Note("x"))
                    await bench.runs.reach(1)
                    try await requests.send(large)
                }
            }
        },
        Row(
            testDescription: "a response over the limit", code: .status, status: .internalError, progress: .answered,
            runs: 1
        ) { bench in
            await meshError { _ = try await bench.client.call(Echo.once, Note("large")) }
        },
        Row(testDescription: "metadata over the limit", code: .callTooLarge, progress: .notSent) { bench in
            await meshError { _ = try await bench.client.call(Echo.echo, Note("x"), metadata: largeMetadata) }
        },
        Row(testDescription: "metadata over the limit of a stream", code: .callTooLarge, progress: .notSent) { bench in
            await meshError {
                try await bench.client.call(Echo.chat, metadata: largeMetadata) { _, _ in
                    _ = Issue.record("the call was made")
                }
            }
        },
        Row(testDescription: "a deadline in the past", code: .deadlineExceeded, progress: .notSent) { bench in
            await meshError { _ = try await bench.client.call(Echo.echo, Note("x"), timeout: .seconds(-1)) }
        },
        Row(testDescription: "a deadline in the past of a stream", code: .deadlineExceeded, progress: .notSent) {
            bench in
            await meshError {
                try await bench.client.call(Echo.repeated, Note("x"), timeout: .zero) { responses in
                    for try await _ in responses {}
                }
            }
        },
        Row(
            testDescription: "a deadline that passes while the handler runs", code: .deadlineExceeded,
            progress: .mayHaveRun, runs: 1
        ) { bench in
            await meshError { _ = try await bench.client.call(Echo.once, Note("slow"), timeout: .seconds(1)) }
        },
        Row(testDescription: "cancelled before sending", code: .cancelled, progress: .notSent) { bench in
            await cancelledAtOnce { _ = try await bench.client.call(Echo.echo, Note("x")) }
        },
        Row(testDescription: "cancelled before a stream is opened", code: .cancelled, progress: .notSent) { bench in
            await cancelledAtOnce {
                try await bench.client.call(Echo.repeated, Note("x")) { responses in for try await _ in responses {} }
            }
        },
        Row(
            testDescription: "a connection lost before the request", code: .connectFailed, progress: .notSent
        ) { bench in
            bench.kill()
            try await bench.simulation.runtime.sleep(for: .seconds(1))
            return await meshError { _ = try await bench.client.call(Echo.once, Note("x")) }
        },
        Row(
            testDescription: "a connection lost during the request", code: .connectionLost, progress: .mayHaveRun,
            runs: 1
        ) { bench in
            await meshError {
                _ = try await bench.client.call(Echo.joined) { requests in
                    try await requests.send(Note("x"))
                    await bench.runs.reach(1)
                    bench.kill()
                    while true {
                        try await requests.send(Note("x"))
                        try await bench.simulation.runtime.sleep(for: .milliseconds(1))
                    }
                }
            }
        },
        Row(
            testDescription: "a connection lost after the request", code: .connectionLost, progress: .mayHaveRun,
            runs: 1
        ) { bench in
            async let error = meshError { _ = try await bench.client.call(Echo.once, Note("slow")) }
            await bench.runs.reach(1)
            bench.kill()
            return await error
        },
        Row(
            testDescription: "a connection lost after the first response, which ends the retries",
            code: .connectionLost, progress: .mayHaveRun, runs: 1
        ) { bench in
            await meshError {
                try await bench.client.call(Echo.repeated, Note("slow")) { responses in
                    var iterator = responses.makeAsyncIterator()
                    #expect(try await iterator.next() == Note("s"))
                    bench.kill()
                    while try await iterator.next() != nil {}
                }
            }
        },
        Row(
            testDescription: "a refusal behind the first response, which ends the retries", code: .status,
            status: .unavailable, progress: .answered, runs: 1
        ) { bench in
            await meshError {
                try await bench.client.call(Echo.repeated, Note("fail")) { responses in for try await _ in responses {}
                }
            }
        },
        Row(
            testDescription: "a refusal before the first response, which is asked for again", code: .status,
            status: .unavailable, progress: .notSent, runs: 3
        ) { bench in
            await meshError {
                try await bench.client.call(Echo.repeated, Note("busy")) { responses in for try await _ in responses {}
                }
            }
        },
    ]

    private static func cancelledAtOnce(_ body: @escaping @Sendable () async throws -> Void) async -> MeshError? {
        await withTaskGroup(of: MeshError?.self) { group in
            group.cancelAll()
            group.addTask { await meshError(body) }
            return await group.next()!
        }
    }

    @Test("a call that goes wrong ends with an error of its kind that says how far it came", arguments: rows)
    func row(_ row: Row) async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.limits.messageBytes = 1 << 20
            configuration.limits.largeMessageBytes = 1 << 20
            let runs = Tally()
            let server = try await simulation.server(configuration) { Self.register($0, runs) }
            let client = try simulation.client(configuration)
            _ = try await client.connection()
            let error = try await row.provoke(Bench(simulation: simulation, client: client, runs: runs))
            #expect(error?.code == row.code, "\(error.map { "\($0)" } ?? "no error")")
            #expect(error?.status == row.status)
            #expect(error?.progress == row.progress)
            #expect(error?.peer != nil)
            #expect(runs.count == row.runs)
            client.close()
            await server.stop()
        }
    }

    private static func register(_ mesh: Mesh, _ runs: Tally) {
        mesh.serve(Echo.echo) { note, _ in
            runs.add()
            return note
        }
        mesh.serve(Echo.once) { note, call in
            runs.add()
            if note.text == "slow" { try await call.runtime.sleep(for: .seconds(1_000)) }
            return note.text == "large" ? large : note
        }
        mesh.serve(Echo.repeated) { note, responses, call in
            runs.add()
            if note.text == "busy" { throw CallFailure(.unavailable, "busy", hasNotRun: true) }
            for character in note.text {
                try await responses.send(Note(String(character)))
                if note.text == "slow" { try await call.runtime.sleep(for: .seconds(1)) }
                if note.text == "fail" { throw CallFailure(.unavailable, "half way", hasNotRun: true) }
            }
        }
        mesh.serve(Echo.joined) { requests, _ in
            for try await _ in requests { runs.add() }
            return Note("")
        }
        mesh.serve(Echo.chat) { requests, responses, _ in
            for try await note in requests { try await responses.send(note) }
        }
    }
}
