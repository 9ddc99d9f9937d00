import MeshWire
import NIOCore
import NIOEmbedded

/// One connection of a simulated network: a channel at either end, and a wire for each direction.
///
/// Used on the simulation's thread alone.
final class SimulatedConnection {
    let route: FaultTable.Route
    let client: EmbeddedChannel
    let server: EmbeddedChannel
    private let toServer: SimulatedWire
    private let toClient: SimulatedWire

    init(
        _ route: FaultTable.Route, name: String, address: SocketAddress, loop: EmbeddedEventLoop,
        _ network: SimulatedNetwork
    ) {
        self.route = route
        client = EmbeddedChannel(loop: loop)
        server = EmbeddedChannel(loop: loop)
        toServer = SimulatedWire("\(name), to the server", from: client, to: server, loop: loop, network)
        toClient = SimulatedWire("\(name), to the client", from: server, to: client, loop: loop, network)
        for (channel, wire, opposite) in [(client, toServer, toClient), (server, toClient, toServer)] {
            channel.remoteAddress = address
            wire.opposite = opposite
            wire.sever = { [weak self] in self?.sever($0) }
            // An empty pipeline takes any handler.
            try? channel.pipeline.syncOperations.addHandler(wire)
        }
    }

    /// Goes on with other faults.
    func apply(_ faults: NetworkFaults, isPartitioned: Bool) {
        toServer.apply(faults.toServer, isPartitioned: isPartitioned)
        toClient.apply(faults.toClient, isPartitioned: isPartitioned)
    }

    /// Ends the connection at both sides at once, with an error where it was reset.
    private func sever(_ error: SimulatedNetworkError?) {
        for wire in [toServer, toClient] { wire.fallSilent() }
        for channel in [client, server] where channel.isActive {
            if let error { channel.pipeline.fireErrorCaught(error) }
            channel.close(promise: nil)
        }
    }
}
