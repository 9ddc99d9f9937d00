import MeshWire
import NIOCore

/// Answers datagrams: is given one, and calls back with each that it answers, now or later.
typealias DatagramServer = @Sendable ([UInt8], _ reply: @escaping @Sendable ([UInt8]) -> Void) -> Void

/// The socket of a client that sends datagrams to one server: they take as long as other messages, and may be lost, with
/// the share of flushes from which bytes would be.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedDatagrams: ChannelOutboundHandler, @unchecked Sendable {
    typealias OutboundIn = ByteBuffer

    private let route: FaultTable.Route
    private let loop: SimulatedLoop
    private let network: SimulatedNetwork
    private weak var channel: SimulatedChannel?

    init(_ route: FaultTable.Route, on channel: SimulatedChannel, _ network: SimulatedNetwork) {
        self.route = route
        loop = channel.loop
        self.network = network
        self.channel = channel
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = Array(unwrapOutboundIn(data).readableBytesView)
        promise?.succeed()
        travel(bytes.count, \.toServer, to: network.loop) {
            guard let server = self.route.endpoint.flatMap({ self.network.datagramServers[$0] }) else {
                return self.channel?.pipeline.fireErrorCaught(SimulatedNetworkError(message: "nobody listens")) ?? ()
            }
            server(bytes) { answer in
                self.travel(answer.count, \.toClient, to: self.loop) {
                    guard let channel = self.channel, channel.isActive else { return }
                    channel.pipeline.fireChannelRead(ByteBuffer(bytes: answer))
                    channel.pipeline.fireChannelReadComplete()
                }
            }
        }
    }

    func flush(context: ChannelHandlerContext) {}

    /// Calls `body` where and when a datagram arrives, if it does.
    private func travel(
        _ count: Int, _ direction: KeyPath<NetworkFaults, NetworkFaults.Direction>, to end: SimulatedLoop,
        _ body: @escaping () -> Void
    ) {
        guard let extra = network.chooseForDatagram(of: count, route, direction) else { return }
        end.plan(at: end.now + network.delay() + .nanoseconds(extra.inNanoseconds), body)
    }
}
