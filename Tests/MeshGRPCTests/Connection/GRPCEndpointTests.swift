import Foundation
import MeshGRPC
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Whether this machine has an IPv6 loopback.
private let hasIPv6: Bool = {
    let listener = try? ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "::1", port: 0).wait()
    listener?.close(promise: nil)
    return listener != nil
}()

/// gRPC wherever the mesh's own wire works: both versions of IP and Unix domain sockets.
@Suite(.timeLimit(.minutes(5))) struct GRPCEndpointTests {
    /// A path that is short enough for a socket.
    private let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString.prefix(8)).sock")
        .path

    private func call(on endpoint: Endpoint, _ security: TransportSecurity) async throws {
        let loopback = try await GRPCLoopback.start(security: security, on: endpoint)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("hello")) == Note("hello"))
        let answers = try await client.call(Echo.chat) { requests, responses in
            try await requests.send(Note("ping"))
            requests.finish()
            var answers: [String] = []
            for try await note in responses { answers.append(note.text) }
            return answers
        }
        #expect(answers == ["ping"])
        client.close()
        await loopback.server.stop()
    }

    @Test(
        "calls cross a Unix domain socket, with and without TLS", arguments: [TransportSecurity.mutualTLS, .plaintext])
    func unix(security: TransportSecurity) async throws {
        try await call(on: .unix(path: path), security)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(
        "calls cross IPv6, with and without TLS", .enabled(if: hasIPv6, "this machine has no IPv6 loopback"),
        arguments: [TransportSecurity.mutualTLS, .plaintext])
    func ipv6(security: TransportSecurity) async throws {
        try await call(on: .tcp(host: "::1", port: 0), security)
    }

    @Test(
        "the C core's client passes every case over a Unix domain socket in plain text",
        .enabled(if: Python.withGRPC != nil, "no Python with gRPC: Scripts/install-prerequisites.sh test"))
    func python() async throws {
        let loopback = try await GRPCLoopback.start(security: .plaintext, on: .unix(path: path)) {
            $0.serveInteroperability()
        }
        let client = try Peer.script("grpc_client.py", ["--target", "unix:\(path)"], python: Python.withGRPC)
        let ending = try await client.finish()
        #expect(ending.lines.filter { $0.hasPrefix("failed") } == [])
        #expect(ending.status == 0 && ending.lines.count == 16)
        await loopback.server.stop()
    }
}
