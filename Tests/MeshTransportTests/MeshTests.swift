import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@Suite struct MeshTests {
    @Test("a call over mutual TLS is answered, and both sides know each other")
    func echo() async throws {
        let runtime = SystemRuntime.shared
        let authority = try TestAuthority(runtime: runtime)
        let policy = try AuthorizationPolicy.everything(in: authority.trustDomain)
        let server = try Mesh(identity: try authority.identity("/server"), policy: policy)
        server.serve(Echo.echo) { note, call in Note("\(note.text) from \(call.peer!)", payload: note.payload) }
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        let caller = try Mesh(identity: try authority.identity("/client"), policy: policy)
        let client = caller.client(
            Destination(host: "127.0.0.1", port: address.port, identities: [.exact(try authority.id("/server"))]))
        let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reply = try await client.call(Echo.echo, Note("hello", payload: payload))
        #expect(reply.text == "hello from spiffe://test.example/client")
        #expect(reply.payload == payload)
        let info = try await client.connection()
        #expect(info.peer?.description == "spiffe://test.example/server")
        #expect(info.tlsVersion == "TLSv1.3")
        client.close()
        await server.stop()
    }

    @Test("a simulated call runs the same stacks on virtual time")
    func simulated() throws {
        let text = try SimulatedRuntime.run(seed: 3) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy.everything(in: authority.trustDomain)
            let server = try Mesh(identity: try authority.identity("/server"), policy: policy, runtime: runtime)
            server.serve(Echo.echo) { note, call in Note("\(note.text) from \(call.peer!)") }
            let address = try await server.listen(host: "server", port: 0)
            let caller = try Mesh(identity: try authority.identity("/client"), policy: policy, runtime: runtime)
            let client = caller.client(
                Destination(host: "server", port: address.port, identities: [.exact(try authority.id("/server"))]))
            let reply = try await client.call(Echo.echo, Note("hello"))
            client.close()
            await server.stop()
            return reply.text
        }
        #expect(text == "hello from spiffe://test.example/client")
    }
}
