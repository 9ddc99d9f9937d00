import MeshWire
import NIOCore
import NIOEmbedded

/// Connections in memory, between channels of one simulated event loop.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedNetwork: RuntimeNetwork, @unchecked Sendable {
    typealias Initializer = @Sendable (any Channel) -> EventLoopFuture<Void>

    private struct Listener {
        let channel: EmbeddedChannel
        let initializer: Initializer
        var accepted: [EmbeddedChannel] = []
    }

    private let loop: EmbeddedEventLoop
    private let latency: ClosedRange<Duration>
    private var generator: SplitMix64
    private var listeners: [Endpoint: Listener] = [:]
    private var nextPort = 20_000

    init(loop: EmbeddedEventLoop, latency: ClosedRange<Duration>, generator: SplitMix64) throws {
        anywhere = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        self.loop = loop
        self.latency = latency
        self.generator = generator
    }

    var security: ChannelSecurityStyle { .simulated }

    func listen(on endpoint: Endpoint, initializer: @escaping Initializer) -> EventLoopFuture<any Channel> {
        let channel = EmbeddedChannel(loop: loop)
        var address = endpoint
        if case .tcp(let host, let port) = endpoint {
            if port == 0 {
                nextPort += 1
                address = .tcp(host: host, port: nextPort)
            }
            channel.localAddress = try? SocketAddress(ipAddress: "127.0.0.1", port: port == 0 ? nextPort : port)
        }
        guard listeners[address] == nil else {
            return loop.makeFailedFuture(SimulatedNetworkError(message: "\(address) is in use"))
        }
        listeners[address] = Listener(channel: channel, initializer: initializer)
        channel.closeFuture.whenComplete { [address] _ in
            if self.listeners[address]?.channel === channel { self.listeners[address] = nil }
        }
        return loop.makeSucceededFuture(channel)
    }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration, initializer: @escaping Initializer
    ) -> EventLoopFuture<any Channel> {
        let promise = loop.makePromise(of: (any Channel).self)
        self.loop.assumeIsolated().scheduleTask(in: delay()) {
            guard let listener = self.listeners[endpoint] else {
                return promise.fail(SimulatedNetworkError(message: "nobody listens on \(endpoint)"))
            }
            let (client, server) = self.link()
            self.listeners[endpoint]?.accepted.append(server)
            initializer(client).and(listener.initializer(server)).whenComplete { result in
                switch result {
                case .success:
                    server.connect(to: self.anywhere, promise: nil)
                    client.connect(to: self.anywhere, promise: nil)
                    promise.succeed(client)
                case .failure(let error):
                    // As a socket would be: neither end keeps handlers for a connection that never was.
                    server.close(promise: nil)
                    client.close(promise: nil)
                    promise.fail(error)
                }
            }
        }
        return promise.futureResult
    }

    func kill(_ endpoint: Endpoint) {
        guard let listener = listeners.removeValue(forKey: endpoint) else { return }
        listener.channel.close(promise: nil)
        for channel in listener.accepted { channel.close(promise: nil) }
    }

    /// What both ends of every connection see of each other.
    private let anywhere: SocketAddress

    private func link() -> (client: EmbeddedChannel, server: EmbeddedChannel) {
        let client = EmbeddedChannel(loop: loop)
        let server = EmbeddedChannel(loop: loop)
        client.remoteAddress = anywhere
        server.remoteAddress = anywhere
        for (near, far) in [(client, server), (server, client)] {
            let wire = SimulatedWire(loop: loop, far: far, delay: { self.delay() })
            try? near.pipeline.syncOperations.addHandler(wire)
        }
        return (client, server)
    }

    private func delay() -> TimeAmount {
        let span = (latency.upperBound - latency.lowerBound).inNanoseconds
        let extra = span > 0 ? Int64(generator.next() % UInt64(span)) : 0
        return .nanoseconds(latency.lowerBound.inNanoseconds + extra)
    }
}

/// Why a simulated connection was not made.
struct SimulatedNetworkError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}

/// One direction of a simulated connection: what is flushed arrives at the far end later, in order.
private final class SimulatedWire: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private let loop: EmbeddedEventLoop
    private let delay: () -> TimeAmount
    private weak var far: EmbeddedChannel?
    private var written: [ByteBuffer] = []
    private var lastArrival = NIODeadline.uptimeNanoseconds(0)

    init(loop: EmbeddedEventLoop, far: EmbeddedChannel, delay: @escaping () -> TimeAmount) {
        self.loop = loop
        self.far = far
        self.delay = delay
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written.append(unwrapOutboundIn(data))
        promise?.succeed()
    }

    func flush(context: ChannelHandlerContext) {
        guard !written.isEmpty else { return }
        let batch = written
        written = []
        deliver { far in
            for bytes in batch { far.pipeline.fireChannelRead(bytes) }
            far.pipeline.fireChannelReadComplete()
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        deliver { $0.close(promise: nil) }
        context.close(mode: mode, promise: promise)
    }

    private func deliver(_ body: @escaping (EmbeddedChannel) -> Void) {
        lastArrival = max(lastArrival + .nanoseconds(1), loop.now + delay())
        loop.assumeIsolated().scheduleTask(deadline: lastArrival) { [weak far] in
            guard let far, far.isActive else { return }
            body(far)
        }
    }
}
