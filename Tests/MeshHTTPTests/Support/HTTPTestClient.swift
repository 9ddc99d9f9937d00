import Foundation
import Identity
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// What an HTTP test got back.
struct HTTPTestResponse {
    var status: Int
    var headers: [String: String]
    var body: String
    /// The informational statuses that came before.
    var informational: [Int]
}

/// One HTTP/1.1 connection over mutual TLS that sends a request at a time: NIO's own client handlers, so that what the
/// tests see is what any client sees.
final class HTTPTestClient {
    private let channel: any Channel
    private var inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    private init(
        _ channel: any Channel,
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    ) {
        self.channel = channel
        self.inbound = inbound
    }

    /// Connects to a loopback port with a certificate, or without one, and closes the connection after `body`.
    ///
    /// - Parameter protocols: what is offered in the handshake; none, as by clients that do not know ALPN, is possible.
    static func withConnection<Result: Sendable>(
        to port: Int, as svid: WorkloadIdentity?, trusting root: [UInt8], protocols: [String] = ["http/1.1"],
        _ body: (HTTPTestClient) async throws -> Result
    ) async throws -> Result {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = protocols
        tls.trustRoots = .certificates([try NIOSSLCertificate(bytes: root, format: .der)])
        if let svid {
            tls.certificateChain = try svid.chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) }
            tls.privateKey = .privateKey(
                try svid.withPrivateKeyPEM { try NIOSSLPrivateKey(bytes: Array($0.utf8), format: .pem) })
        }
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    try pipeline.addHandler(HTTPRequestEncoder())
                    try pipeline.addHandler(
                        ByteToMessageHandler(HTTPResponseDecoder(informationalResponseStrategy: .forward)))
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, _ in
            try await body(HTTPTestClient(channel.channel, inbound.makeAsyncIterator()))
        }
    }

    /// Sends a request and reads its answer.
    func send(
        _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> HTTPTestResponse {
        try await begin(method, path, headers: headers + (body.map { [("Content-Length", "\($0.utf8.count)")] } ?? []))
        if let body { try await write(body) }
        try await finish()
        return try await receive(method)
    }

    /// Sends a request's head.
    func begin(_ method: HTTPMethod, _ path: String, headers: [(String, String)] = []) async throws {
        let head = HTTPRequestHead(
            version: .http1_1, method: method, uri: path, headers: HTTPHeaders([("Host", "127.0.0.1")] + headers))
        try await send(.head(head))
    }

    /// Sends a part of a request's body.
    func write(_ text: String) async throws {
        try await send(.body(.byteBuffer(ByteBuffer(string: text))))
    }

    /// Returns when the socket has taken the part: whoever writes for ever gives the event loop its turn.
    private func send(_ part: HTTPClientRequestPart) async throws { try await channel.writeAndFlush(part) }

    /// Ends a request.
    func finish() async throws { try await send(.end(nil)) }

    /// Reads an answer; throws when the connection ends first.
    func receive(_ method: HTTPMethod = .GET) async throws -> HTTPTestResponse {
        var response: HTTPTestResponse?
        var informational: [Int] = []
        while let part = try await inbound.next(isolation: #isolation) {
            switch part {
            case .head(let head) where (100..<200).contains(head.status.code):
                informational.append(Int(head.status.code))
            case .head(let head):
                let headers = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { $0 + ", " + $1 }
                response = HTTPTestResponse(
                    status: Int(head.status.code), headers: headers, body: "", informational: informational)
            case .body(let buffer):
                response?.body += String(buffer: buffer)
            case .end:
                guard let finished = response else { continue }
                return finished
            }
        }
        throw ConnectionEnded()
    }

    /// Returns when the server has closed the connection.
    func untilClosed() async throws {
        while try await inbound.next(isolation: #isolation) != nil {}
    }

    /// The server closed the connection before it answered.
    struct ConnectionEnded: Error {}
}
