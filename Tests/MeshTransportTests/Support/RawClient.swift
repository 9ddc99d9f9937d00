import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// A TLS client without a mesh: sends what a test wants and keeps what comes back.
final class RawClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects with `identity`'s certificate, or with none.
    static func connect(
        port: Int, identity: WorkloadIdentity?, applicationProtocols: [String] = ["meshwork/1"]
    ) async throws -> RawClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = applicationProtocols
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        if let identity {
            configuration.certificateChain = try identity.chain.map {
                .certificate(try NIOSSLCertificate(bytes: $0, format: .der))
            }
            configuration.privateKey = try identity.withPrivateKeyDER {
                .privateKey(try NIOSSLPrivateKey(bytes: $0, format: .der))
            }
        }
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
        return RawClient(channel: channel, inbox: inbox)
    }

    /// Sends bytes; a server that has closed already is no failure.
    func send(_ bytes: [UInt8]) async {
        await withTaskCancellationHandler {
            try? await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// The protocol that the handshake agreed on.
    func negotiated() async -> String? {
        await inbox.handshake.wait()
        return inbox.state.withLock { $0.negotiated }
    }

    /// Everything that was received until the server closed the connection.
    func untilClosed() async -> [UInt8] {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        return inbox.state.withLock { $0.received }
    }

    /// What has been received when it is at least `count` bytes, or all there is.
    func received(_ count: Int) async -> [UInt8] {
        await withTaskCancellationHandler {
            await inbox.bytes(count)
        } onCancel: {
            inbox.giveUp()
        }
        return inbox.state.withLock { $0.received }
    }

    /// Stops to read, or goes on.
    func setReading(_ isOn: Bool) async throws {
        try await channel.setOption(.autoRead, value: isOn).get()
    }

    func close() async { try? await channel.close() }

    private final class Inbox: Sendable {
        struct State {
            var received: [UInt8] = []
            var negotiated: String?
            var isOver = false
            var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        }
        let state = Mutex(State())
        let handshake = Gate()

        func add(_ buffer: ByteBuffer) {
            let woken = state.withLock { state in
                state.received += buffer.readableBytesView
                let count = state.received.count
                let woken = state.waiters.filter { $0.count <= count }
                state.waiters.removeAll { $0.count <= count }
                return woken
            }
            for waiter in woken { waiter.continuation.resume() }
        }

        func bytes(_ count: Int) async {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    let isOver = state.received.count >= count || state.isOver
                    if !isOver { state.waiters.append((count, continuation)) }
                    return isOver
                }
                if isThere { continuation.resume() }
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

/// Bytes of the wire protocol, written by hand.
struct RawBytes {
    var bytes = Preface.bytes

    /// The bytes that a server of ours begins with.
    static let serverGreetingBytes =
        Preface.bytes.count + FrameHeader.encodedSize
        + Payload(Hello(instance: InstanceID(high: 1, low: 1), limits: WireLimits())).head.readableBytes

    /// - Parameter features: whether it has those that this library's clients have.
    init(features: Bool = false) {
        let instance = InstanceID(high: 1, low: 1)
        add(
            .hello, 0,
            Payload(features ? Hello(instance: instance, limits: WireLimits()) : Hello(instance: instance)).head)
    }

    mutating func add(_ kind: FrameKind, _ stream: UInt32, _ payload: ByteBuffer = ByteBuffer()) {
        var buffer = ByteBuffer()
        FrameHeader(kind: kind, stream: StreamID(rawValue: stream), payloadLength: payload.readableBytes).write(
            to: &buffer)
        bytes += Array(buffer.readableBytesView) + Array(payload.readableBytesView)
    }

    /// Declares `path` with the echo's message types under `number`.
    mutating func declare(_ number: UInt32 = 1, _ path: String = Echo.echo.path) {
        add(
            .declare, 0,
            Payload(
                MethodDeclaration(
                    number: number, path: path, requestName: Note.messageName, responseName: Note.messageName)
            ).head)
    }

    /// Begins a call whose request has a segment that does not follow.
    mutating func announce(_ stream: UInt32, _ time: Duration, segment: Int) {
        let head = Payload(
            CallHead(
                method: 1, timeRemaining: time, deduplication: nil, metadata: Metadata(),
                layout: PayloadLayout(headLength: 0, segments: [.init(field: 2, length: segment)]))
        ).head
        var frame = ByteBuffer()
        frame.writeVarint(UInt64(head.readableBytes))
        frame.writeImmutableBuffer(head)
        add(.request, stream, frame)
    }

    mutating func request(_ stream: UInt32, _ note: Note = Note("raw")) {
        let payload = Payload(note)
        let head = Payload(
            CallHead(
                method: 1, timeRemaining: .seconds(60), deduplication: nil, metadata: Metadata(), layout: payload.layout
            )
        ).head
        var frame = ByteBuffer()
        frame.writeVarint(UInt64(head.readableBytes))
        frame.writeImmutableBuffer(head)
        frame.writeImmutableBuffer(payload.head)
        add(.request, stream, frame)
    }
}
