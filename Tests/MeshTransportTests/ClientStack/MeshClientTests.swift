import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct MeshClientTests {
    @Test("a call over the limits does not leave, and disturbs no other")
    func tooLarge() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            var configuration = MeshConfiguration()
            configuration.limits.messageBytes = 100_000
            let client = try simulation.client(configuration)
            let metadata: Metadata = ["key": String(repeating: "v", count: 20_000)]
            for call: @Sendable () async throws -> Void in [
                { _ = try await client.call(Echo.echo, Note("x", payload: Array(repeating: 1, count: 100_001))) },
                { _ = try await client.call(Echo.echo, Note("x"), metadata: metadata) },
                { _ = try await client.call(Echo.echo, Note(String(repeating: "x", count: 5 << 20))) },
            ] {
                let error = await meshError(call)
                #expect(error?.code == .callTooLarge)
                #expect(error?.progress == .notSent)
            }
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            client.close()
            await server.stop()
        }
    }

    @Test("an answer that is no such message is reported with its server")
    func malformedAnswer() async throws {
        struct Odd: MeshMessage {
            static let messageName = Note.messageName
            init() {}
            init(from decoder: inout MessageDecoder) throws(WireError) { while try decoder.nextField() != nil {} }
            func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, 1) }
        }
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(UnaryMethod<Odd, Odd>(service: Echo.name, method: "Echo", retry: .idempotent)) { _, _ in
                    Odd()
                }
            }
            let client = try simulation.client()
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.code == .malformedMessage)
            #expect(error?.progress == .answered)
            #expect(error?.peer == "spiffe://test.example/server")
            client.close()
            await server.stop()
        }
    }

    @Test("a connection learns of a method once, however often it is called")
    func declaration() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.limits.declaredMethods = 2
            let server = try await simulation.server(configuration) { mesh in
                mesh.serveInline(Echo.echo) { note, _ in note }
            }
            let client = try simulation.client()
            // The same method, as another build of the client might mean it.
            let other = UnaryMethod<Note, Note>(service: Echo.name, method: "Echo", retry: .never)
            for method in [Echo.echo, other, Echo.echo, other, Echo.echo] {
                #expect(try await client.call(method, Note("x")) == Note("x"))
            }
            client.close()
            await server.stop()
        }
    }

    @Test("a call from the client's executor is resumed on its loop")
    func executor() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        let loop = client.executor.eventLoop
        await withTaskExecutorPreference(client.executor) {
            await onLoop {
                for number in 0..<100 {
                    #expect(loop.inEventLoop)
                    let reply = try? await client.call(Echo.echo, Note("\(number)"))
                    #expect(reply == Note("\(number)"))
                }
                #expect(loop.inEventLoop)
            }
        }
        client.close()
        await loopback.server.stop()
    }

    /// Runs `body` where the task prefers to be, not where its caller is.
    @concurrent private func onLoop(_ body: @Sendable () async -> Void) async { await body() }

    @Test("the connection tells who is at the other end")
    func connection() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        let info = try await client.connection()
        #expect(info.peer == (try loopback.authority.id("/server")))
        #expect(info.tlsVersion == "TLSv1.3")
        #expect(info.remoteAddress.contains("\(loopback.port)"))
        client.close()
        await loopback.server.stop()
    }
}
