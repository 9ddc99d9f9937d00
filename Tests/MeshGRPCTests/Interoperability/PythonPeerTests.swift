import Foundation
import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import TestSupport
import Testing

/// The C core's Python client at our server, and our client at its server: gRPC's interoperability cases by their names.
@Suite(
    .timeLimit(.minutes(5)),
    .enabled(if: Python.withGRPC != nil, "no Python with gRPC: Scripts/install-prerequisites.sh test"))
struct PythonPeerTests {
    @Test(
        "the C core's client passes every case at our server",
        arguments: [TransportSecurity.mutualTLS, .plaintext], [nil, .gzip] as [MessageEncoding?])
    func server(security: TransportSecurity, compression: MessageEncoding?) async throws {
        var configuration = GRPCConfiguration()
        configuration.compression = compression
        let loopback = try await GRPCLoopback.start(configuration, security: security) { mesh in
            mesh.serveInteroperability()
            mesh.serveControl(of: mesh.serveHealth())
            try? mesh.serveReflection(descriptorSets: [
                Array(Data(base64Encoded: InteroperabilityDescriptors.fileDescriptorSet) ?? Data())
            ])
        }
        guard case .tcp(_, let port) = loopback.endpoint else { return }
        let folder = try TemporaryFolder()
        let files = try folder.write("/python", of: loopback.authority)
        let client = try Peer.script(
            "grpc_client.py",
            ["--port", "\(port)", "--services"] + (security == .mutualTLS ? files : []),
            python: Python.withGRPC)
        let ending = try await client.finish()
        #expect(ending.lines.filter { $0.hasPrefix("failed") } == [])
        #expect(ending.status == 0 && ending.lines.count == 19)
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await loopback.server.stop()
    }

    @Test(
        "our client passes every case at the C core's server",
        arguments: [TransportSecurity.mutualTLS, .plaintext], [nil, .gzip] as [MessageEncoding?])
    func client(security: TransportSecurity, compression: MessageEncoding?) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let folder = try TemporaryFolder()
        let files = try folder.write("/python", of: authority)
        let server = try Peer.script(
            "grpc_server.py", security == .mutualTLS ? files : [], python: Python.withGRPC)
        let port = try #require(try await server.nextLine().flatMap { Int($0) })
        let mesh = try Mesh(configuration: .patient, identity: authority.identity("/client"), policy: .denyAll)
        var configuration = GRPCConfiguration()
        configuration.compression = compression
        try mesh.enableGRPC(configuration)
        let endpoint = Endpoint.tcp(host: "127.0.0.1", port: port)
        let destination: Destination =
            switch security {
            // The handshake tells that the server speaks gRPC.
            case .mutualTLS: Destination(endpoint, identities: [.exact(try authority.id("/python"))])
            case .plaintext: .plaintext(endpoint).overGRPC
            }
        let client = mesh.client(destination)
        for interoperabilityCase in InteroperabilityCase.allCases {
            await #expect(throws: Never.self, "\(interoperabilityCase)") {
                try await interoperabilityCase.run(client)
            }
        }
        try await server.end()
    }

    @Test("a server that ages its connections loses no call of ours")
    func connectionAge() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let folder = try TemporaryFolder()
        let files = try folder.write("/python", of: authority)
        let server = try Peer.script(
            "grpc_server.py", files + ["--max-age-ms", "200"], python: Python.withGRPC)
        let port = try #require(try await server.nextLine().flatMap { Int($0) })
        let mesh = try Mesh(configuration: .patient, identity: authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC()
        let client = mesh.client(
            Destination(host: "127.0.0.1", port: port, identities: [.exact(try authority.id("/python"))]))
        let service = Grpc_Testing_TestService.Client(client)
        let runtime = SystemRuntime.shared
        let end = runtime.now.advanced(by: .seconds(2))
        var calls = 0
        while runtime.now < end || calls < 20 {
            // Never retried unless the server has certainly not run it, which GOAWAY tells.
            _ = try await service.unaryCall(Grpc_Testing_SimpleRequest())
            calls += 1
        }
        try await server.end()
    }
}

extension Mesh {
    /// A service whose health a client can change.
    func serveControl(of health: HealthService) {
        health.setStatus(.serving, of: "changing")
        health.setStatus(.serving, of: Grpc_Testing_TestService.name)
        let change = UnaryMethod<Grpc_Testing_Empty, Grpc_Testing_Empty>(
            service: "test.Control", method: "Change", retry: .never)
        serve(change) { empty, _ in
            health.setStatus(.notServing, of: "changing")
            return empty
        }
    }
}
