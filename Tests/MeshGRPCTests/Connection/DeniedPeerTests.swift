import Identity
import MeshTransport
import MeshworkTesting
import TestSupport
import Testing

@testable import MeshGRPC

/// A peer that is denied while its connection over gRPC is open, on real sockets.
@Suite(.timeLimit(.minutes(2))) struct DeniedPeerTests {
    private func list(_ authority: TestAuthority, _ path: String) throws -> DenyList {
        let later = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds + 3_600)
        return try DenyList(version: 1, entries: [.identity(authority.id(path), issuedBefore: later)])
    }

    @Test("a denied client that answers no ping and closes nothing loses its connection and its call all the same")
    func client() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let identity = try authority.identity("/server")
        var configuration = MeshConfiguration.patient
        // What a drain would take.
        configuration.drainTimeout = .seconds(3_600)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["\(authority.trustDomain.id)/*"])
        ])
        let server = try Mesh(configuration: configuration, identity: identity, policy: policy)
        try server.enableGRPC(GRPCConfiguration())
        let (started, release) = (Gate(), Gate())
        server.serve(Echo.slow) { note, _ in
            started.open()
            await release.wait()
            return note
        }
        let port = try await server.listen(host: "127.0.0.1", port: 0).port
        let raw = try await RawClient.http2(port: port, as: try authority.svid("/raw"))
        var bytes = HTTP2Bytes.opening
        bytes.call(1, Echo.slow.path)
        bytes.request(1)
        await raw.send(bytes.bytes)
        await started.wait()
        identity.set(denyList: try list(authority, "/raw"))
        let received = await raw.received { _ in false }
        let reasons = frames(in: received).filter { $0.type == HTTP2Bytes.Frame.goAway }.map {
            String(decoding: $0.payload.dropFirst(8), as: UTF8.self)
        }
        #expect(reasons == ["the peer is denied"])
        // Its call was not answered.
        #expect(frames(in: received).allSatisfy { $0.stream != 1 || $0.type != 1 })
        release.open()
        await server.stop()
    }
}
