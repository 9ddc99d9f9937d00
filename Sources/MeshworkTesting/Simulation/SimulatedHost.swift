public import MeshWire
public import NIOCore

/// A named place in a simulation, whose connections have faults of their own: a runtime for the meshes that run there.
///
/// ``SimulatedRuntime/host(_:)`` makes it; all but the connections is the simulation's.
public final class SimulatedHost: Runtime {
    /// What the faults of its connections are set by.
    public let name: String
    private let runtime: SimulatedRuntime
    private let connections: SimulatedNetwork

    init(_ name: String, in runtime: SimulatedRuntime, _ connections: SimulatedNetwork) {
        self.name = name
        self.runtime = runtime
        self.connections = connections
    }

    /// The simulated clock.
    public var now: RuntimeInstant { runtime.now }
    /// The simulation's time of day.
    public var timeSince1970: Duration { runtime.timeSince1970 }
    /// Bits of the simulation's generator.
    public func randomBits() -> UInt64 { runtime.randomBits() }
    /// Waits on the simulated clock.
    public func sleep(until deadline: RuntimeInstant) async throws { try await runtime.sleep(until: deadline) }
    /// The one simulated loop.
    public var eventLoopGroup: any EventLoopGroup { runtime.eventLoopGroup }
    /// The one executor.
    public func loopExecutor(for loop: any EventLoop) -> LoopExecutor { runtime.loopExecutor(for: loop) }
    /// The one executor.
    public var taskExecutor: (any TaskExecutor)? { runtime.taskExecutor }
    /// The one executor.
    public var computeExecutor: any TaskExecutor { runtime.computeExecutor }
    /// The simulation's files.
    public var files: any RuntimeFiles { runtime.files }
    /// Logs on ``disk``.
    public var logs: any RuntimeLogs { disk }
    /// This host's own disk.
    public var disk: SimulatedLogs { runtime.disk(of: name) }
    /// Connections in memory, in this host's name.
    public var network: any RuntimeNetwork { HostNetwork(name: name, connections: connections) }
}

/// The simulated network as one host sees it.
private struct HostNetwork: RuntimeNetwork {
    let name: String
    let connections: SimulatedNetwork

    var security: ChannelSecurityStyle { connections.security }

    func listen(
        on endpoint: Endpoint, initializer: @escaping SimulatedNetwork.Initializer
    ) -> EventLoopFuture<any Channel> {
        connections.listen(on: endpoint, initializer: initializer)
    }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration,
        initializer: @escaping SimulatedNetwork.Initializer
    ) -> EventLoopFuture<any Channel> {
        connections.connect(from: name, to: endpoint, timeout: timeout, initializer: initializer)
    }

    func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop, initializer: @escaping SimulatedNetwork.Initializer
    ) -> EventLoopFuture<any Channel> {
        connections.openDatagrams(from: name, to: endpoint, initializer: initializer)
    }
}
