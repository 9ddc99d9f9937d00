import Identity
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// One end of a TLS connection without HTTP/2: sends what a test wants, and keeps what comes back.
final class RawPeer: Sendable {
    private struct State {
        var received: [UInt8] = []
        var isOver = false
        var waiters: [(isEnough: @Sendable ([UInt8]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let channel: any Channel
    private let state: Inbox

    private init(_ channel: any Channel, _ state: Inbox) {
        self.channel = channel
        self.state = state
    }

    /// Connects to a server on loopback, showing `identity`; whoever answers is fine.
    static func connect(port: Int, as identity: WorkloadIdentity) async throws -> RawPeer {
        var configuration = TLSConfiguration.makeClientConfiguration()
        try configuration.show(identity)
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: nil,
                        customVerificationCallback: { _, verdict in verdict.succeed(.certificateVerified) })
                    try channel.pipeline.syncOperations.addHandlers([tls, Receiver(inbox)])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawPeer(channel, inbox)
    }

    /// Sends bytes; a peer that has closed already is no failure.
    func send(_ bytes: [UInt8]) async {
        await withTaskCancellationHandler {
            try? await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Everything that was received until the peer closed the connection, for which it has 20 s.
    @discardableResult func untilClosed() async -> [UInt8] {
        let limit = channel.eventLoop.scheduleTask(in: .seconds(20)) { [channel] in channel.close(promise: nil) }
        defer { limit.cancel() }
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        return state.received
    }

    /// What has been received when it is enough, or all there is.
    @discardableResult func received(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
        await withTaskCancellationHandler {
            await state.wait(isEnough)
        } onCancel: {
            state.giveUp()
        }
        return state.received
    }

    /// The header block of the last answer on a stream, when it has come.
    func trailers(of stream: UInt32) async -> [UInt8]? {
        func trailers(_ bytes: [UInt8]) -> [UInt8]? {
            frames(in: bytes).last { $0.stream == stream && $0.type == 1 && $0.flags & HTTP2Bytes.endStream != 0 }?
                .payload
        }
        return trailers(
            await received { bytes in
                frames(in: bytes).contains {
                    $0.stream == stream && $0.type == 1 && $0.flags & HTTP2Bytes.endStream != 0
                }
            })
    }

    /// Stops to read, or goes on.
    func setReading(_ isOn: Bool) async throws { try await channel.setOption(.autoRead, value: isOn).get() }

    func close() async { try? await channel.close() }

    /// Guarded by a mutex.
    private final class Inbox: Sendable {
        private let state = Mutex(State())

        var received: [UInt8] { state.withLock { $0.received } }

        func add(_ buffer: ByteBuffer) {
            let woken = state.withLock { state in
                state.received += buffer.readableBytesView
                let received = state.received
                let woken = state.waiters.filter { $0.isEnough(received) }
                state.waiters.removeAll { $0.isEnough(received) }
                return woken
            }
            for waiter in woken { waiter.continuation.resume() }
        }

        func wait(_ isEnough: @escaping @Sendable ([UInt8]) -> Bool) async {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    let isOver = state.isOver || isEnough(state.received)
                    if !isOver { state.waiters.append((isEnough, continuation)) }
                    return isOver
                }
                if isOver { continuation.resume() }
            }
        }

        func giveUp() {
            let waiters = state.withLock { state in
                defer { state.waiters = [] }
                state.isOver = true
                return state.waiters
            }
            for waiter in waiters { waiter.continuation.resume() }
        }
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let inbox: Inbox

        init(_ inbox: Inbox) { self.inbox = inbox }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { inbox.add(unwrapInboundIn(data)) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { inbox.giveUp() }
    }
}

/// A TLS server without HTTP/2: says something when a client's first bytes have come.
struct RawHTTP2Server {
    private let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }

    static func start(as identity: WorkloadIdentity, saying bytes: [UInt8]) async throws -> RawHTTP2Server {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [], privateKey: .privateKey(try key(of: identity)))
        try configuration.show(identity)
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), Speaker(bytes),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawHTTP2Server(channel: channel)
    }

    func stop() async { try? await channel.close() }

    private final class Speaker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var bytes: [UInt8]?

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let bytes = bytes.take() else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

extension TLSConfiguration {
    fileprivate mutating func show(_ identity: WorkloadIdentity) throws {
        minimumTLSVersion = .tlsv13
        applicationProtocols = ["h2"]
        trustRoots = .certificates([])
        certificateChain = try identity.chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) }
        privateKey = .privateKey(try key(of: identity))
    }
}

private func key(of identity: WorkloadIdentity) throws -> NIOSSLPrivateKey {
    try identity.withPrivateKeyDER { try NIOSSLPrivateKey(bytes: $0, format: .der) }
}
