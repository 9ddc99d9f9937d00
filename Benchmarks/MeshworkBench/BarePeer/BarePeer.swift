import Identity
import NIOCore
import NIOPosix
import NIOSSL

/// The best plain peer that one can write: NIO and NIOSSL with mutual TLS 1.3, one event loop, TCP_NODELAY, NIO's
/// default receive allocator.
enum BarePeer {
    /// TLS for one side, with NIOSSL's own verification.
    static func context(_ identity: IdentitySnapshot, isServer: Bool) throws -> NIOSSLContext {
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
        return try NIOSSLContext(configuration: configuration)
    }

    /// Listens, with `handlers` behind TLS on each connection; in plain text without an identity.
    static func serve(
        as identity: IdentitySnapshot?, _ handlers: @escaping @Sendable () -> any ChannelHandler
    ) async throws -> any Channel {
        try await serve(as: identity) { pipeline in try pipeline.addHandler(handlers()) }
    }

    /// Listens, with what `install` adds behind TLS on each connection; in plain text without an identity.
    static func serve(
        as identity: IdentitySnapshot?,
        installing install: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void
    ) async throws -> any Channel {
        let context = try identity.map { try Self.context($0, isServer: true) }
        return try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                    try install(pipeline)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// Connects to a server, with what `install` adds behind TLS; in plain text without a context.
    static func connect(
        port: Int, with context: NIOSSLContext?,
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1),
        installing install: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void
    ) async throws -> any Channel {
        try await ClientBootstrap(group: group)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(
                            try NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    }
                    try install(pipeline)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }
}

/// Calls of a bare client that are under way: how many are to come, and how long each has taken.
struct BareCalls {
    private var unsent: Int
    private var unanswered: Int
    private var starts = CircularBuffer<NIODeadline>()
    private var latencies: [Double] = []
    private let done: EventLoopPromise<[Double]>

    init(_ count: Int, _ done: EventLoopPromise<[Double]>) {
        unsent = count
        unanswered = count
        self.done = done
        latencies.reserveCapacity(count)
        if count == 0 { done.succeed([]) }
    }

    /// One more is sent now, if there is one.
    mutating func send() -> Bool {
        guard unsent > 0 else { return false }
        unsent -= 1
        starts.append(.now())
        return true
    }

    /// The oldest has been answered.
    mutating func answered() {
        guard let start = starts.popFirst() else { return }
        latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        unanswered -= 1
        if unanswered == 0 { done.succeed(latencies) }
    }

    func fail(_ error: any Error) { done.fail(error) }

    /// The server has closed the connection, or is no more: what is unanswered will not be answered.
    func lostConnection() { fail(BenchmarkFailure("the server has closed the connection")) }
}

/// A handler of a bare client that makes calls.
protocol BareCaller: ChannelHandler, Sendable {
    /// Keeps `depth` calls under way; on the event loop.
    func begin(_ calls: BareCalls, depth: Int)
}

extension BareCaller {
    /// Makes `count` calls and returns the microseconds that each took.
    func run(_ count: Int, depth: Int, on channel: any Channel) async throws -> [Double] {
        let done = channel.eventLoop.makePromise(of: [Double].self)
        channel.eventLoop.execute { self.begin(BareCalls(count, done), depth: depth) }
        return try await done.futureResult.get()
    }
}
