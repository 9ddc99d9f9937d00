import Identity
import NIOCore
import NIOPosix
import NIOSSL

/// The best plain peer that one can write: NIO and NIOSSL with mutual TLS 1.3, one event loop, TCP_NODELAY, NIO's
/// default receive allocator, one `writeAndFlush` a message.
enum BarePeer {
    /// TLS for one side, with NIOSSL's own verification.
    static func configuration(_ identity: IdentitySnapshot, isServer: Bool) throws -> TLSConfiguration {
        let chain = try identity.svid.chain.map {
            NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: $0, format: .der))
        }
        let key = try identity.svid.withPrivateKeyDER { try NIOSSLPrivateKey(bytes: $0, format: .der) }
        var configuration: TLSConfiguration
        if isServer {
            configuration = .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        } else {
            configuration = .makeClientConfiguration()
            configuration.certificateChain = chain
            configuration.privateKey = .privateKey(key)
        }
        configuration.trustRoots = .certificates(
            try identity.bundle.roots.map { try NIOSSLCertificate(bytes: $0, format: .der) })
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv13
        return configuration
    }

    /// Serves until standard input ends. `messageBytes` are taken before `reply` bytes are sent.
    static func serve(_ role: Role, as identity: IdentitySnapshot) async throws -> any Channel {
        let context = try NIOSSLContext(configuration: configuration(identity, isServer: true))
        return try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), BareServerHandler(role),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// Connects to a server.
    static func connect(
        port: Int, as identity: IdentitySnapshot, on group: any EventLoopGroup, handler: BareClientHandler
    ) async throws -> any Channel {
        let context = try NIOSSLContext(configuration: configuration(identity, isServer: false))
        return try await ClientBootstrap(group: group)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        try NIOSSLClientHandler(context: context, serverHostname: "localhost"), handler,
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// What a server takes and answers.
    enum Role {
        /// Every 64 bytes come back.
        case echo
        /// Every 16 MiB are answered by a byte.
        case sink

        var messageBytes: Int { self == .echo ? 64 : 16 << 20 }
        var replyBytes: Int { self == .echo ? 64 : 1 }
    }
}

/// Counts bytes and answers each whole message with one `writeAndFlush`.
private final class BareServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let role: BarePeer.Role
    private let reply: ByteBuffer
    private var received = 0

    init(_ role: BarePeer.Role) {
        self.role = role
        reply = ByteBuffer(repeating: 7, count: role.replyBytes)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        while received >= role.messageBytes {
            received -= role.messageBytes
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        }
    }
}

/// Keeps `depth` messages in flight until `count` have been answered, and notes how long each took.
///
/// Sendable: touched on its event loop alone; ``run(count:depth:on:)`` hands the results out when it is done.
final class BareClientHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let role: BarePeer.Role
    private let message: ByteBuffer
    private var context: ChannelHandlerContext?
    private var received = 0
    private var unsent = 0
    private var unanswered = 0
    private var starts: [NIODeadline] = []
    private var latencies: [Double] = []
    private var done: EventLoopPromise<[Double]>?

    init(_ role: BarePeer.Role) {
        self.role = role
        message = ByteBuffer(repeating: 1, count: role.messageBytes)
    }

    /// Sends `count` messages and returns the microseconds that each took.
    func run(count: Int, depth: Int, on channel: any Channel) async throws -> [Double] {
        let done = channel.eventLoop.makePromise(of: [Double].self)
        channel.eventLoop.execute {
            self.done = done
            self.latencies = []
            self.latencies.reserveCapacity(count)
            self.unsent = count
            self.unanswered = count
            for _ in 0..<min(depth, count) { self.send() }
        }
        return try await done.futureResult.get()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        while received >= role.replyBytes {
            received -= role.replyBytes
            let start = starts.removeFirst()
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
            unanswered -= 1
            if unsent > 0 { send() }
            if unanswered == 0 { done?.succeed(latencies) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done?.fail(error)
        context.close(promise: nil)
    }

    private func send() {
        unsent -= 1
        starts.append(.now())
        context?.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }
}
