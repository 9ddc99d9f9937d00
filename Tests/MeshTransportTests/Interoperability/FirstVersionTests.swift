import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// A client of the first version, byte for byte, at today's server, and today's client at a server of it.
@Suite(.timeLimit(.minutes(5))) struct FirstVersionTests {
    /// More than a stream's credit, of which the client knows nothing.
    private static let answer = [UInt8](repeating: 0xA5, count: 600_000)

    /// Calls with the recorded bytes; the frames that the server sends until it has answered.
    private func call(_ register: (Mesh) -> Void) async throws -> [(header: FrameHeader, payload: ByteBuffer)] {
        let loopback = try await Loopback.start(register)
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/first"))
        await raw.send(try Interoperability.bytes("first-version-client.hex"))
        var bytes = await raw.received(1)
        while try !isComplete(bytes) {
            let more = await raw.received(bytes.count + 1)
            try #require(more.count > bytes.count, "the server has closed the connection")
            bytes = more
        }
        await raw.close()
        await loopback.server.stop()
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        return try RawBytes.frames(in: bytes)
    }

    /// Whether a response is there with all that it announces.
    private func isComplete(_ bytes: [UInt8]) throws -> Bool {
        let frames = try RawBytes.frames(in: bytes)
        guard let response = frames.first(where: { $0.header.kind == .response }) else { return false }
        let (head, inline) = try reply(response.payload)
        let data = frames.filter { $0.header.kind == .data }.reduce(0) { $0 + $1.payload.readableBytes }
        return inline.readableBytes + data == (try head.layout.totalBytes(within: WireLimits()))
    }

    private func reply(_ payload: ByteBuffer) throws -> (ReplyHead, ByteBuffer) {
        var payload = payload
        let slice = payload.readSlice(length: Int(try payload.readVarint()))
        let head = try #require(slice)
        return (try Payload(head: head).decode(as: ReplyHead.self), payload)
    }

    @Test("a client of the first version is answered with the first version's frames, and no credit holds them up")
    func answered() async throws {
        let frames = try await call { mesh in
            mesh.serveAnswer(Echo.echo) { note, call in
                #expect(note == Note("a call", payload: Array("of the first version".utf8)))
                #expect(call.metadata["key"] == "value")
                return Answer(
                    Note("an answer", payload: Self.answer), metadata: ["before": "1"], trailers: ["after": "2"])
            }
        }
        // What the server would say before its response it leaves out: the client knows no such frame.
        let kinds = frames.map(\.header.kind)
        #expect(kinds.prefix(2) == [.hello, .response])
        #expect(kinds.count > 3 && kinds.dropFirst(2).allSatisfy { $0 == .data })
        #expect(frames.dropFirst().allSatisfy { $0.header.stream == .first })
        let (head, inline) = try reply(frames[1].payload)
        #expect(head.status == .ok && head.metadata["after"] == "2")
        let body = frames.dropFirst(2).reduce(into: inline) { $0.writeImmutableBuffer($1.payload) }
        #expect(body.readableBytesView.suffix(Self.answer.count).elementsEqual(Self.answer))
    }

    @Test("a method that streams is none that a client of the first version can have meant")
    func anotherKind() async throws {
        enum Streaming: MeshService {
            static let name: ServiceName = "test.Echo"
            static let echo = bidirectional("Echo", Note.self, Note.self)
        }
        let frames = try await call { mesh in mesh.serve(Streaming.echo) { _, _, _ in } }
        #expect(frames.map(\.header.kind) == [.hello, .response])
        let (head, _) = try reply(frames[1].payload)
        #expect(head.status == .unimplemented && head.hasNotRun)
    }

    /// Today's client at a server that says the recorded bytes, and what the client has said to it.
    private func atRecordedServer(
        awaiting data: Int, _ body: (MeshClient) async throws -> Void
    ) async throws -> [UInt8] {
        let recorded = try Interoperability.bytes("first-version-server.hex")
        // Preface and hello; the answer is for later.
        let greeting = Preface.bytes.count + FrameHeader.encodedSize + 22
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        var script = RawServer.Script(
            greeting: Array(recorded.prefix(greeting)), answer: Array(recorded.dropFirst(greeting)))
        script.awaitedData = data
        let tape = RawServer.Tape()
        script.tape = tape
        let server = try await RawServer.start(as: try authority.svid("/first"), script)
        let mesh = try Mesh(configuration: .patient, identity: authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(
            Destination(host: "127.0.0.1", port: server.port, identities: [.exact(try authority.id("/first"))]))
        try await body(client)
        client.close()
        await server.stop()
        return tape.bytes
    }

    @Test(
        "a server of the first version is called with the first version's frames, on no credit, and its answer is read")
    func recordedServer() async throws {
        let request = Note("a call", payload: Self.answer)
        let sent = try await atRecordedServer(awaiting: Self.answer.count) { client in
            let reply = try await client.call(Echo.echo, request, metadata: ["key": "value"])
            #expect(reply == Note("an answer", payload: Array("from the first version".utf8)))
        }
        let frames = try RawBytes.frames(in: sent)
        let kinds = frames.map(\.header.kind)
        #expect(kinds.prefix(3) == [.hello, .declare, .request])
        #expect(kinds.count > 5 && kinds.dropFirst(3).allSatisfy { $0 == .data })
        #expect(frames.allSatisfy { !$0.header.hasChecksum })
        let body = frames.dropFirst(3).reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1.payload) }
        #expect(body.readableBytesView.elementsEqual(Self.answer))
    }

    @Test("a server of the first version that goes away is called again on a new connection")
    func recordedGoAway() async throws {
        let sent = try await atRecordedServer(awaiting: 0) { client in
            for _ in 0..<3 {
                let reply = try await client.call(Echo.once, Note("a call"))
                #expect(reply.text == "an answer")
            }
        }
        let greetings = sent.indices.filter { sent[$0...].starts(with: Preface.bytes) }
        #expect(greetings.count == 3)
    }

    @Test("a call that streams is not made to a server of the first version, and others go on")
    func recordedServerKnowsNoStreams() async throws {
        let sent = try await atRecordedServer(awaiting: 0) { client in
            let error = await meshError {
                try await client.call(Echo.chat) { requests, _ in try await requests.send(Note("a request")) }
            }
            #expect(error?.code == .unsupportedByPeer && error?.progress == .notSent)
            let reply = try await client.call(Echo.echo, Note("a call"))
            #expect(reply.text == "an answer")
        }
        #expect(try RawBytes.frames(in: sent).map(\.header.kind) == [.hello, .declare, .request])
    }
}
