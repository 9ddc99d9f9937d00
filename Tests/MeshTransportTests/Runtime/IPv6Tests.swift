import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Whether this machine has an IPv6 loopback.
private let hasIPv6: Bool = {
    let group = MultiThreadedEventLoopGroup.singleton
    let listener = try? ServerBootstrap(group: group).bind(host: "::1", port: 0).wait()
    listener?.close(promise: nil)
    return listener != nil
}()

@Suite(.timeLimit(.minutes(5)), .enabled(if: hasIPv6, "this machine has no IPv6 loopback"))
struct IPv6Tests {
    @Test("an IPv6 address is listened on, called and named with brackets")
    func echo() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let server = try Mesh(
            configuration: .patient, identity: try authority.identity("/server"),
            policy: try .everything(in: authority.trustDomain))
        server.serve(Echo.echo) { note, call in Note("\(call.remoteAddress)") }
        let address = try await server.listen(host: "::1", port: 0)
        #expect(address.port != 0)
        #expect("\(address)" == "[::1]:\(address.port)")
        let mesh = try Mesh(
            configuration: .patient, identity: try authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(Destination(address.endpoint, identities: [.exact(try authority.id("/server"))]))
        #expect(try await client.call(Echo.echo, Note("x")).text.contains("::1"))
        #expect(try await client.connection().remoteAddress == "\(address)")
        let other = try Mesh(identity: try authority.identity("/other"), policy: .denyAll)
        let error = await meshError { try await other.listen(host: "::1", port: address.port) }
        #expect(error?.peer == "[::1]:\(address.port)")
        client.close()
        await other.stop()
        await server.stop()
    }
}
