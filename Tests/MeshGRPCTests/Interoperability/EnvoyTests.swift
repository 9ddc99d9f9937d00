import Foundation
import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import SwiftProtobuf
import TestSupport
import Testing

/// h2load, if it is installed.
private let h2load = Peer.find("h2load")

/// An Envoy that holds the certificate, between gRPC's peers and ours.
@Suite(
    .timeLimit(.minutes(5)),
    .enabled(if: Envoy.path != nil, "no Envoy: Scripts/install-prerequisites.sh test"))
struct EnvoyTests {
    /// A server of ours behind an Envoy that takes plain text.
    private func behindEnvoy() async throws -> (GRPCLoopback, Envoy) {
        let loopback = try await GRPCLoopback.start { $0.serveInteroperability() }
        guard case .tcp(_, let port) = loopback.endpoint else { preconditionFailure("TCP was asked for") }
        let envoy = try await Envoy(
            to: port, tls: .server, as: "/envoy", of: loopback.authority,
            peer: "\(try loopback.authority.id("/server"))")
        return (loopback, envoy)
    }

    @Test(
        "a Python client passes every case at our server through an Envoy with mutual TLS",
        .enabled(if: Python.withGRPC != nil, "no Python with gRPC: Scripts/install-prerequisites.sh test"))
    func pythonClient() async throws {
        let (loopback, envoy) = try await behindEnvoy()
        let client = try Peer.script("grpc_client.py", ["--port", "\(envoy.port)"], python: Python.withGRPC)
        let ending = try await client.finish()
        #expect(ending.lines.filter { $0.hasPrefix("failed") } == [])
        #expect(ending.status == 0 && ending.lines.count == 16)
        #expect(loopback.server.connections.allSatisfy { $0.info.peer?.path == "/envoy" })
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await envoy.stop()
        await loopback.server.stop()
    }

    @Test(
        "our client passes every case at a Python server through an Envoy with mutual TLS",
        .enabled(if: Python.withGRPC != nil, "no Python with gRPC: Scripts/install-prerequisites.sh test"))
    func pythonServer() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let server = try Peer.script("grpc_server.py", [], python: Python.withGRPC)
        let port = try #require(try await server.nextLine().flatMap { Int($0) })
        let envoy = try await Envoy(
            to: port, tls: .clients, as: "/envoy", of: authority,
            peer: "\(try authority.id("/client"))")
        let mesh = try Mesh(configuration: .patient, identity: authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC()
        let client = mesh.client(
            Destination(host: "127.0.0.1", port: envoy.port, identities: [.exact(try authority.id("/envoy"))]))
        for interoperabilityCase in InteroperabilityCase.allCases {
            await #expect(throws: Never.self, "\(interoperabilityCase)") {
                try await interoperabilityCase.run(client)
            }
        }
        client.close()
        await envoy.stop()
        try await server.end()
    }

    @Test(
        "h2load's calls all succeed, more than 100 of them at a time, through the Envoy that holds its certificate",
        .enabled(if: h2load != nil, "no h2load: Scripts/install-prerequisites.sh test"))
    func load() async throws {
        let (loopback, envoy) = try await behindEnvoy()
        // A request that asks for 314 bytes, as one length-prefixed message.
        let body = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        var request = Grpc_Testing_SimpleRequest()
        request.responseSize = 314
        let message: [UInt8] = try request.serializedBytes()
        try Data(framed(message)).write(to: body)
        let calls = 1_000
        let load = try Peer(
            h2load ?? "",
            [
                "-n", "\(calls)", "-c", "4", "-m", "32", "-d", body.path, "-H", "te: trailers", "-H",
                "content-type: application/grpc",
                "http://127.0.0.1:\(envoy.port)/\(Grpc_Testing_TestService.unaryCall.path)",
            ])
        let ending = try await load.finish()
        try FileManager.default.removeItem(at: body)
        #expect(ending.status == 0)
        #expect(
            ending.lines.contains { $0.hasPrefix("status codes: \(calls) 2xx, 0 3xx, 0 4xx, 0 5xx") },
            "\(ending.lines)")
        // An answer that is no success has its status in the trailers, where h2load does not look.
        let answers = loopback.server.metrics.lines(of: "response_total").filter { $0.contains("success") }
        #expect(answers.map { $0.split(separator: " ").last } == ["\(calls)"])
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await envoy.stop()
        await loopback.server.stop()
    }
}
