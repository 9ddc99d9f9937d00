import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import NIOCore
import NIOPosix

/// grpc-swift-2 on its NIO transport with mutual TLS, one event loop a side, messages as bytes without protobuf.
enum GRPCSwiftPeer {
    static let echo = MethodDescriptor(fullyQualifiedService: "bench.Service", method: "Echo")

    /// Serves for as long as `body` runs, which is told the port.
    static func serve(as identity: IdentitySnapshot, _ body: (Int) async throws -> Void) async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0),
            transportSecurity: .mTLS(certificateChain: chain(identity), privateKey: try key(identity)) { tls in
                tls.trustRoots = roots(identity)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1))
        try await withGRPCServer(transport: transport, services: [BytesService()]) { _ in
            guard let port = try await transport.listeningAddress.ipv4?.port else {
                throw BenchmarkFailure("the grpc-swift server has no port")
            }
            try await body(port)
        }
    }

    /// Runs a client of the server at `port` for as long as `body` runs.
    static func withClient(
        port: Int, as identity: IdentitySnapshot, _ body: (GRPCSwiftClient) async throws -> Void
    ) async throws {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port),
            transportSecurity: .mTLS(certificateChain: chain(identity), privateKey: try key(identity)) { tls in
                tls.serverCertificateVerification = .noHostnameVerification
                tls.trustRoots = roots(identity)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1))
        try await withGRPCClient(transport: transport) { client in try await body(GRPCSwiftClient(client: client)) }
    }

    private static func chain(_ identity: IdentitySnapshot) -> [TLSConfig.CertificateSource] {
        identity.svid.chain.map { .bytes($0, format: .der) }
    }

    private static func key(_ identity: IdentitySnapshot) throws -> TLSConfig.PrivateKeySource {
        identity.svid.withPrivateKeyDER { .bytes(Array($0), format: .der) }
    }

    private static func roots(_ identity: IdentitySnapshot) -> TLSConfig.TrustRootsSource {
        .certificates(identity.bundle.roots.map { .bytes($0, format: .der) })
    }
}

/// Makes calls from ordinary tasks.
struct GRPCSwiftClient: EchoClient {
    let client: GRPCClient<HTTP2ClientTransport.Posix>

    @concurrent
    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<depth {
                group.addTask { try await echoes(calls / depth + (caller < calls % depth ? 1 : 0)) }
            }
            var latencies: [Double] = []
            for try await some in group { latencies += some }
            return latencies
        }
    }

    private func echoes(_ calls: Int) async throws -> [Double] {
        let request = ClientRequest(message: [UInt8](repeating: 1, count: 64))
        var latencies: [Double] = []
        latencies.reserveCapacity(calls)
        for _ in 0..<calls {
            let start = NIODeadline.now()
            _ = try await client.unary(
                request: request, descriptor: GRPCSwiftPeer.echo, serializer: BytesCoder(),
                deserializer: BytesCoder(), options: .defaults
            ) { try $0.message }
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        }
        return latencies
    }
}

/// Sends every message back.
private struct BytesService: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: GRPCSwiftPeer.echo, deserializer: BytesCoder(), serializer: BytesCoder()
        ) { request, _ in
            let message = try await ServerRequest(stream: request).message
            return StreamingServerResponse(single: ServerResponse(message: message))
        }
    }
}

/// Messages that are their own bytes.
private struct BytesCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
        // The closure copies; it keeps no pointer.
        unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
