import MeshWire
import NIOCore

/// One connection of a simulated network: a channel at either end, and a wire for each direction.
///
/// Used on the simulation's thread alone.
final class SimulatedConnection {
    let route: FaultTable.Route
    let client: SimulatedChannel
    let server: SimulatedChannel
    private let toServer: SimulatedWire
    private let toClient: SimulatedWire

    init(
        _ route: FaultTable.Route, name: String, address: SocketAddress, from clientLoop: SimulatedLoop,
        to serverLoop: SimulatedLoop, _ network: SimulatedNetwork
    ) {
        self.route = route
        client = SimulatedChannel(on: clientLoop)
        server = SimulatedChannel(on: serverLoop)
        toServer = SimulatedWire("\(name), to the server", from: client, to: server, network)
        toClient = SimulatedWire("\(name), to the client", from: server, to: client, network)
        for (channel, wire, opposite) in [(client, toServer, toClient), (server, toClient, toServer)] {
            channel.remoteAddress = address
            wire.opposite = opposite
            wire.sever = { [weak self] in self?.sever($0) }
        }
    }

    /// Puts the wire into the pipeline of a channel, which has no handlers yet; on its loop.
    func attach(_ channel: SimulatedChannel) {
        // An empty pipeline takes any handler.
        try? channel.pipeline.syncOperations.addHandler(channel === client ? toServer : toClient)
    }

    /// Its bytes can be taken by a side whose handlers are there now.
    func activated(_ channel: SimulatedChannel) { (channel === client ? toClient : toServer).farIsActive() }

    /// Goes on with other faults.
    func apply(_ faults: NetworkFaults, isPartitioned: Bool) {
        toServer.apply(faults.toServer, isPartitioned: isPartitioned)
        toClient.apply(faults.toClient, isPartitioned: isPartitioned)
    }

    /// Ends the connection at both sides at once, with an error where it was reset.
    private func sever(_ error: SimulatedNetworkError?) {
        for wire in [toServer, toClient] { wire.fallSilent() }
        for channel in [client, server] where channel.isActive { channel.end(error) }
    }

    // MARK: Hosts

    /// The channels of the host on `loop`.
    func ends(on loop: SimulatedLoop) -> [SimulatedChannel] { [client, server].filter { $0.loop === loop } }

    /// The connection of a host that has died: a part of what it had sent still arrives, and then a reset. What is sent to
    /// it arrives nowhere.
    ///
    /// - Parameter share: how much of what is on its way arrives, 0 to 1.
    func reset(by loop: SimulatedLoop, _ share: Double) {
        for (wire, end, opposite) in [(toServer, client, toClient), (toClient, server, toServer)]
        where end.loop === loop {
            opposite.fallSilent()
            wire.breakOff(share)
        }
    }

    /// Sees again whether the peers of the host on `loop`, which has stopped or goes on, may write.
    func pauseChanged(of loop: SimulatedLoop) {
        for (wire, far) in [(toServer, server), (toClient, client)] where far.loop === loop {
            wire.updateWritabilityOfNear()
        }
    }
}
