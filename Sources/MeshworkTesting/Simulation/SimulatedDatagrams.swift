import MeshWire
import NIOCore
import NIOEmbedded

/// Answers datagrams: is given one, and calls back with each that it answers, now or later.
typealias DatagramServer = @Sendable ([UInt8], _ reply: @escaping @Sendable ([UInt8]) -> Void) -> Void

/// The socket of a client that sends datagrams to one server: they take as long as other messages, and may be lost, with
/// the share of flushes from which bytes would be.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedDatagrams: ChannelOutboundHandler, @unchecked Sendable {
    typealias OutboundIn = ByteBuffer

    private let route: FaultTable.Route
    private let loop: EmbeddedEventLoop
    private let network: SimulatedNetwork
    private weak var channel: EmbeddedChannel?

    init(_ route: FaultTable.Route, on channel: EmbeddedChannel, loop: EmbeddedEventLoop, _ network: SimulatedNetwork) {
        self.route = route
        self.loop = loop
        self.network = network
        self.channel = channel
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = Array(unwrapOutboundIn(data).readableBytesView)
        promise?.succeed()
        travel(bytes.count, \.toServer) {
            guard let server = self.route.endpoint.flatMap({ self.network.datagramServers[$0] }) else {
                return self.channel?.pipeline.fireErrorCaught(SimulatedNetworkError(message: "nobody listens")) ?? ()
            }
            server(bytes) { answer in
                self.travel(answer.count, \.toClient) {
                    guard let channel = self.channel, channel.isActive else { return }
                    channel.pipeline.fireChannelRead(ByteBuffer(bytes: answer))
                    channel.pipeline.fireChannelReadComplete()
                }
            }
        }
    }

    func flush(context: ChannelHandlerContext) {}

    /// Calls `body` when a datagram arrives, if it does.
    private func travel(
        _ count: Int, _ direction: KeyPath<NetworkFaults, NetworkFaults.Direction>, _ body: @escaping () -> Void
    ) {
        guard let extra = network.chooseForDatagram(of: count, route, direction) else { return }
        loop.assumeIsolated().scheduleTask(in: network.delay() + .nanoseconds(extra.inNanoseconds)) { body() }
    }
}
