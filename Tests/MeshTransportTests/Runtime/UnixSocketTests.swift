import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Unix domain sockets, wherever TCP works.
@Suite(.timeLimit(.minutes(5))) struct UnixSocketTests {
    private let folder: TemporaryFolder
    private let authority: TestAuthority
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        authority = try TestAuthority(runtime: SystemRuntime.shared)
        path = folder.file("mesh.sock").path
    }

    private func server() throws -> Mesh {
        let mesh = try Mesh(
            configuration: .patient, identity: try authority.identity("/server"),
            policy: try .everything(in: authority.trustDomain))
        mesh.serve(Echo.echo) { note, call in Note("\(note.text) from \(call.peer!) at \(call.remoteAddress)") }
        return mesh
    }

    private func client(expected: String = "/server", _ configuration: MeshConfiguration = .patient) throws
        -> MeshClient
    {
        let mesh = try Mesh(
            configuration: configuration, identity: try authority.identity("/client"), policy: .denyAll)
        return mesh.client(Destination(.unix(path: path), identities: [.exact(try authority.id(expected))]))
    }

    /// Whether a socket's file is there.
    private var isThere: Bool { FileManager.default.fileExists(atPath: path) }

    /// A listener at the path that is not ours.
    private func listener() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(unixDomainSocketPath: path).get()
    }

    /// Leaves a file at the path as a process does that was killed.
    private func leaveFile() async throws {
        let other = folder.file("other.sock").path
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: other).get()
        // The listener removes the file that it knows of.
        try FileManager.default.moveItem(atPath: other, toPath: path)
        try? await listener.close()
        try #require(isThere)
    }

    @Test("a call over a Unix domain socket is mutual TLS like any other, and the file goes with the listener")
    func echo() async throws {
        let server = try server()
        #expect(try await server.listen(on: .unix(path: path)) == .unix(path: path))
        let client = try client()
        let reply = try await client.call(Echo.echo, Note("hello"))
        #expect(reply.text == "hello from spiffe://test.example/client at unix:\(path)")
        let info = try await client.connection()
        #expect(info.peer?.description == "spiffe://test.example/server")
        #expect(info.tlsVersion == "TLSv1.3")
        #expect(info.remoteAddress == "unix:\(path)")
        #expect(isThere)
        client.close()
        await server.stop()
        #expect(!isThere)
    }

    @Test("a server with another identity than the expected one is not called")
    func unexpected() async throws {
        let server = try server()
        try await server.listen(on: .unix(path: path))
        let client = try client(expected: "/other")
        #expect(await meshError { _ = try await client.call(Echo.echo, Note("x")) }?.code == .peerNotTrusted)
        client.close()
        await server.stop()
    }

    @Test("the file of a listener that is gone makes room")
    func stale() async throws {
        try await leaveFile()
        let server = try server()
        try await server.listen(on: .unix(path: path))
        let client = try client()
        #expect(try await client.call(Echo.echo, Note("x")).text.hasPrefix("x from"))
        client.close()
        await server.stop()
        #expect(!isThere)
    }

    @Test("a socket that is in use is one clear error, and its owner goes on")
    func inUse() async throws {
        let (first, second) = (try server(), try server())
        try await first.listen(on: .unix(path: path))
        let error = await meshError { try await second.listen(on: .unix(path: path)) }
        #expect(error?.code == .listenFailed)
        #expect(error?.peer == "unix:\(path)")
        #expect(error?.description.contains("the socket is in use") == true)
        await second.stop()
        let client = try client()
        #expect(try await client.call(Echo.echo, Note("x")).text.hasPrefix("x from"))
        client.close()
        await first.stop()
    }

    @Test("a file that is no socket is left alone")
    func otherFile() async throws {
        try Data("precious".utf8).write(to: folder.file("mesh.sock"))
        let server = try server()
        let error = await meshError { try await server.listen(on: .unix(path: path)) }
        #expect(error?.code == .listenFailed)
        #expect(error?.description.contains("no socket") == true)
        await server.stop()
        #expect(try Data(contentsOf: folder.file("mesh.sock")) == Data("precious".utf8))
    }

    @Test("a listener that stops leaves a file alone that has taken the place of its own")
    func replaced() async throws {
        let server = try server()
        try await server.listen(on: .unix(path: path))
        // What an operator does who starts the next server before the last one has ended.
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        let next = try await listener()
        await server.stop()
        #expect(isThere)
        try await next.close()
    }

    @Test("a path that no system takes is an error on either side", arguments: [0, 200])
    func badPath(length: Int) async throws {
        let endpoint = Endpoint.unix(path: String(repeating: "x", count: length))
        let server = try server()
        #expect(await meshError { try await server.listen(on: endpoint) }?.code == .listenFailed)
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let mesh = try Mesh(
            configuration: configuration, identity: try authority.identity("/client"), policy: .denyAll)
        let client = mesh.client(Destination(endpoint, identities: [.exact(try authority.id("/server"))]))
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .connectFailed)
        #expect(error?.progress == .notSent)
        client.close()
        await server.stop()
    }

    @Test("where nobody listens the call has not been sent")
    func nobody() async throws {
        var configuration = MeshConfiguration.patient
        configuration.retry.maximumAttempts = 1
        let client = try client(configuration)
        let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
        #expect(error?.code == .connectFailed)
        #expect(error?.progress == .notSent)
        #expect(error?.peer == "unix:\(path)")
        client.close()
    }

    @Test("a simulated Unix domain socket is an endpoint like any other")
    func simulated() async throws {
        try await Simulated.run { simulation in
            let server = try simulation.mesh("/server")
            server.serveEcho()
            try await server.listen(on: .unix(path: "/run/mesh.sock"))
            let client = try simulation.mesh("/client").client(
                Destination(
                    .unix(path: "/run/mesh.sock"), identities: [.exact(try simulation.authority.id("/server"))]))
            #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
            client.close()
            await server.stop()
        }
    }
}
