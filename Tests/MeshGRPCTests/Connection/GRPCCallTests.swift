import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import TestSupport
import Testing

/// Calls of our client to our server, over gRPC on real sockets.
@Suite(.timeLimit(.minutes(5))) struct GRPCCallTests {
    @Test("every kind of call is answered, with and without TLS", arguments: [TransportSecurity.mutualTLS, .plaintext])
    func everyKind(security: TransportSecurity) async throws {
        let loopback = try await GRPCLoopback.start(security: security)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("hello")) == Note("hello"))
        #expect(try await client.call(Echo.count, Note("once")) == Note("once"))
        let letters = try await client.call(Echo.repeated, Note("abc")) { responses in
            var letters: [String] = []
            for try await note in responses { letters.append(note.text) }
            return letters
        }
        #expect(letters == ["a", "b", "c"])
        let joined = try await client.call(Echo.joined) { requests in
            for text in ["x", "y", "z"] { try await requests.send(Note(text, payload: [1, 2])) }
        }
        #expect(joined == Note("xyz 6"))
        let answers = try await client.call(Echo.chat) { requests, responses in
            var (answers, iterator) = ([String](), responses.makeAsyncIterator())
            for text in ["ping", "pong"] {
                try await requests.send(Note(text))
                answers.append(try await iterator.next()?.text ?? "nothing")
            }
            requests.finish()
            #expect(try await iterator.next() == nil)
            return answers
        }
        #expect(answers == ["ping", "pong"])
        let info = try await client.connection()
        #expect(info.tlsVersion == (security == .mutualTLS ? "TLSv1.3" : "plaintext"))
        await loopback.server.stop()
    }

    @Test("metadata and trailers cross in both directions, text and bytes")
    func metadata() async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        var metadata: Metadata = ["tenant": "7"]
        metadata.append(.init(key: "trace-bin", bytes: [0, 255, 10]))
        let answer = try await client.answer(Echo.echo, Note("x"), metadata: metadata)
        #expect(answer.metadata["tenant"] == "7")
        #expect(answer.metadata[bytes: "trace-bin"] == [0, 255, 10])
        #expect(answer.trailers["peer"] == "\(try loopback.authority.id("/client"))")
        await loopback.server.stop()
    }

    @Test(
        "a server says over gRPC whether a call may be tried again",
        arguments: [(.after(.milliseconds(1)), 3), (.never, 1)] as [(RetryPushback, Int)])
    func pushback(_ pushback: RetryPushback, attempts: Int) async throws {
        let calls = Tally()
        let loopback = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.echo) { _, _ in
                calls.add()
                throw CallFailure(.unavailable, "busy", pushback: pushback)
            }
        }
        var configuration = MeshConfiguration.patient
        configuration.retry.statuses = [.unavailable]
        let client = try loopback.client(mesh: configuration)
        #expect(await meshError { _ = try await client.call(Echo.echo, Note("x")) }?.status == .unavailable)
        #expect(calls.count == attempts)
        await loopback.server.stop()
    }

    @Test("a failure arrives with its status, text, details and trailers")
    func failure() async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        let error = await meshError { _ = try await client.call(Echo.fail, Note("schön \n 100 %")) }
        #expect(error?.status == .dataLoss)
        #expect(error?.message == "schön \n 100 %")
        #expect(error?.details == Array("more".utf8))
        #expect(error?.trailers["why"] == "asked")
        #expect(error?.progress == .answered)
        let unknown = await meshError { _ = try await client.call(Echo.unserved, Note("x")) }
        #expect(unknown?.status == .unimplemented)
        await loopback.server.stop()
    }

    @Test("large messages and many small ones arrive whole", arguments: [false, true])
    func large(isCompressed: Bool) async throws {
        var configuration = GRPCConfiguration()
        if isCompressed { configuration.compression = .gzip }
        let loopback = try await GRPCLoopback.start(configuration)
        let client = try loopback.client(configuration)
        let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        #expect(try await client.call(Echo.echo, Note("large", payload: payload)) == Note("large", payload: payload))
        let many = String(repeating: "m", count: 300)
        let count = try await client.call(Echo.repeated, Note(many, payload: Array(payload.prefix(20_000)))) {
            responses in
            var count = 0
            for try await note in responses {
                #expect(note.payload.count == 20_000)
                count += 1
            }
            return count
        }
        #expect(count == 300)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    (try? await client.call(Echo.echo, Note("\(number)", payload: [1])))
                        == Note("\(number)", payload: [1])
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        await loopback.server.stop()
    }

    @Test("a large call goes on a second connection, and a small one on the first")
    func lanes() async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        _ = try await client.call(Echo.echo, Note("small"))
        #expect(loopback.server.connections.count == 1)
        let large = Note("large", payload: Array(repeating: 1, count: 256 << 10))
        #expect(try await client.call(Echo.echo, large) == large)
        _ = try await client.call(Echo.repeated, Note("s"), lane: .small) { for try await _ in $0 {} }
        #expect(loopback.server.connections.count == 2)
        await loopback.server.stop()
    }

    @Test("a deadline and a cancellation end the call on both sides")
    func ends() async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("warm")) == Note("warm"))
        let late = await meshError { _ = try await client.call(Echo.slow, Note("x"), timeout: .milliseconds(50)) }
        #expect(late?.code == .deadlineExceeded || late?.status == .deadlineExceeded)
        let task = Task { await meshError { _ = try await client.call(Echo.slow, Note("x")) } }
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(try await client.call(Echo.echo, Note("still here")) == Note("still here"))
        await loopback.server.stop()
    }

    @Test("a server that stops finishes what it has, and its clients learn that it goes")
    func drain() async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        let text = try await client.call(Echo.chat) { requests, responses in
            var iterator = responses.makeAsyncIterator()
            try await requests.send(Note("before"))
            _ = try await iterator.next()
            async let stopped: Void = loopback.server.stop()
            try await requests.send(Note("while"))
            let last = try await iterator.next()?.text
            requests.finish()
            #expect(try await iterator.next() == nil)
            await stopped
            return last
        }
        #expect(text == "while")
        let gone = await meshError { _ = try await client.call(Echo.echo, Note("x"), timeout: .seconds(5)) }
        #expect(gone?.progress == .notSent)
    }

    @Test("a client of both wires speaks the mesh's own to a Meshwork server")
    func preference() async throws {
        let loopback = try await GRPCLoopback.start()
        let mesh = try Mesh(
            configuration: .patient, identity: loopback.authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC()
        let client = mesh.client(try loopback.destination)
        var large = Metadata()
        // Nothing that HTTP/2 could carry.
        large.append(.init(key: "Key With Spaces", value: "\u{1F600}"))
        #expect(try await client.call(Echo.echo, Note("x"), metadata: large) == Note("x"))
        let other = try loopback.client()
        let error = await meshError { _ = try await other.call(Echo.echo, Note("x"), metadata: large) }
        #expect(error?.code == .invalidMetadata)
        #expect(error?.progress == .notSent)
        await loopback.server.stop()
    }
}
