import Foundation
import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import SwiftProtobuf
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
            mesh.serveInteroperability(isCompressing: compression != nil)
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
            ["--port", "\(port)", "--services"] + (compression == nil ? [] : ["--compresses"])
                + (security == .mutualTLS ? files : []),
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

    @Test(
        "the C core's server finds our client's requests compressed or not as its mesh says, and so are its responses",
        arguments: [TransportSecurity.mutualTLS, .plaintext], MessageEncoding.allCases)
    func compression(security: TransportSecurity, encoding: MessageEncoding) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let folder = try TemporaryFolder()
        let files = try folder.write("/python", of: authority)
        let server = try Peer.script(
            "grpc_server.py", ["--sees-compression"] + (security == .mutualTLS ? files : []), python: Python.withGRPC)
        let relay = try await RecordingRelay.start(to: try #require(try await server.nextLine().flatMap { Int($0) }))
        let endpoint = Endpoint.tcp(host: "127.0.0.1", port: relay.port)
        let destination: Destination =
            switch security {
            case .mutualTLS: Destination(endpoint, identities: [.exact(try authority.id("/python"))])
            case .plaintext: .plaintext(endpoint).overGRPC
            }
        let clients = try [encoding, nil].map { encoding in
            let mesh = try Mesh(configuration: .patient, identity: authority.identity("/client"), policy: .denyAll)
            var configuration = GRPCConfiguration()
            configuration.compression = encoding
            try mesh.enableGRPC(configuration)
            return mesh.client(destination)
        }
        for compressionCase in CompressionCase.allCases {
            await #expect(throws: Never.self, "\(compressionCase)") {
                try await compressionCase.run(compressing: clients[0], plain: clients[1], through: relay)
            }
        }
        for client in clients { client.close() }
        await relay.stop()
        try await server.end()
    }

    /// Whether grpcio-status is installed.
    @Sendable private static func hasRichStatus() async throws -> Bool {
        guard let python = Python.withGRPC else { return false }
        return try await Peer(python, ["-c", "import grpc_status"], complaints: .printed).finish().status == 0
    }

    @Test(
        "grpcio-status reads the details of our server's failure",
        .enabled("no grpcio-status: Scripts/install-prerequisites.sh test", hasRichStatus))
    func richStatusOfOurs() async throws {
        let loopback = try await GRPCLoopback.start(security: .plaintext) { mesh in
            mesh.serveControl(of: mesh.serveHealth())
        }
        guard case .tcp(_, let port) = loopback.endpoint else { return }
        let client = try Peer.script(
            "grpc_client.py", ["--port", "\(port)", "--rich-status"], python: Python.withGRPC)
        let ending = try await client.finish()
        #expect(
            ending.status == 0 && ending.lines.map { $0.hasPrefix("passed rich_status") } == [true], "\(ending.lines)")
        await loopback.server.stop()
    }

    @Test(
        "our client reads the details of a failure that grpcio-status made",
        .enabled("no grpcio-status: Scripts/install-prerequisites.sh test", hasRichStatus))
    func richStatusOfPython() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let server = try Peer.script("grpc_server.py", [], python: Python.withGRPC)
        let port = try #require(try await server.nextLine().flatMap { Int($0) })
        let mesh = try Mesh(configuration: .patient, identity: authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC()
        let client = mesh.client(.plaintext(.tcp(host: "127.0.0.1", port: port)).overGRPC)
        let error = await meshError { _ = try await client.call(Control.fail, Grpc_Testing_Empty()) }
        #expect(error?.status == Control.failure.status && error?.message == Control.failure.message)
        #expect(error?.richDetails.count == 2)
        #expect(error?.detail(Grpc_Testing_Payload.self) == Control.payload)
        #expect(error?.detail(Google_Protobuf_Duration.self) == Control.wait)
        client.close()
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

/// What a test's server does besides, by the names and with the words of the scripts.
private enum Control {
    static let change = UnaryMethod<Grpc_Testing_Empty, Grpc_Testing_Empty>(
        service: "test.Control", method: "Change", retry: .never)
    static let fail = UnaryMethod<Grpc_Testing_Empty, Grpc_Testing_Empty>(
        service: "test.Control", method: "Fail", retry: .never)

    static let failure = CallFailure(.failedPrecondition, "not before 100 % \u{263A}")
    static let payload = {
        var payload = Grpc_Testing_Payload()
        payload.body = Data([0x00, 0xFF])
        return payload
    }()
    static let wait = Google_Protobuf_Duration(seconds: 7)
}

extension Mesh {
    /// A service whose health a client can change, and a failure with details.
    func serveControl(of health: HealthService) {
        health.setStatus(.serving, of: "changing")
        health.setStatus(.serving, of: Grpc_Testing_TestService.name)
        serve(Control.change) { empty, _ in
            health.setStatus(.notServing, of: "changing")
            return empty
        }
        serve(Control.fail) { _, _ in
            throw try CallFailure(
                Control.failure.status, Control.failure.message, details: [Control.payload, Control.wait])
        }
    }
}
