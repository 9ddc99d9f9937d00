package import Identity
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// A TLS client without a mesh: sends what a test wants and keeps what comes back.
package final class RawClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private init(_ channel: any Channel, _ inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects to a server on loopback with `identity`'s certificate, or with none.
    package static func connect(
        port: Int, identity: WorkloadIdentity?, applicationProtocols: [String] = ["meshwork/1"]
    ) async throws -> RawClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = applicationProtocols
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        if let identity { try configuration.show(identity) }
        let context = try NIOSSLContext(configuration: configuration)
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Whoever answers is fine: it is the server that is tested.
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: nil,
                        customVerificationCallback: { _, verdict in verdict.succeed(.certificateVerified) })
                    try channel.pipeline.syncOperations.addHandlers([tls, Receiver(inbox)])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel, inbox)
    }

    /// Sends bytes; a server that has closed already is no failure.
    package func send(_ bytes: [UInt8]) async {
        await withTaskCancellationHandler {
            try? await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// The protocol that the handshake agreed on.
    package func negotiated() async -> String? {
        await inbox.handshake.wait()
        return inbox.state.withLock { $0.negotiated }
    }

    /// Everything that was received until the server closed the connection, for which it has two minutes.
    @discardableResult package func untilClosed() async -> [UInt8] {
        let limit = channel.eventLoop.scheduleTask(in: .minutes(2)) { [channel] in channel.close(promise: nil) }
        defer { limit.cancel() }
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        return inbox.state.withLock { $0.received }
    }

    /// What has been received when it is at least `count` bytes, or all there is.
    package func received(_ count: Int) async -> [UInt8] { await received { $0.count >= count } }

    /// What has been received when it is enough, or all there is.
    @discardableResult package func received(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
        await withTaskCancellationHandler {
            await inbox.wait(isEnough)
        } onCancel: {
            inbox.giveUp()
        }
        return inbox.state.withLock { $0.received }
    }

    /// Stops to read, or goes on.
    package func setReading(_ isOn: Bool) async throws {
        try await channel.setOption(.autoRead, value: isOn).get()
    }

    package func close() async { try? await channel.close() }

    /// Guarded by a mutex.
    private final class Inbox: Sendable {
        struct State {
            var received: [UInt8] = []
            var negotiated: String?
            var isOver = false
            var waiters: [(isEnough: @Sendable ([UInt8]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
        }
        let state = Mutex(State())
        let handshake = Gate()

        func add(_ buffer: ByteBuffer) {
            let woken = state.withLock { state in
                state.received += buffer.readableBytesView
                var woken: [CheckedContinuation<Void, Never>] = []
                state.waiters = state.waiters.filter { waiter in
                    guard waiter.isEnough(state.received) else { return true }
                    woken.append(waiter.continuation)
                    return false
                }
                return woken
            }
            for waiter in woken { waiter.resume() }
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

        /// Lets everybody go: no more bytes will come, or nobody wants them.
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

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
                inbox.state.withLock { $0.negotiated = negotiated }
                inbox.handshake.open()
            }
            context.fireUserInboundEventTriggered(event)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { inbox.add(unwrapInboundIn(data)) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) {
            inbox.handshake.open()
            inbox.giveUp()
        }
    }
}
