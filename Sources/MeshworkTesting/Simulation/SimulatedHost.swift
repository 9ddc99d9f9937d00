public import MeshWire
public import NIOCore

/// A host of a simulation, from its start to its death: a runtime for the meshes that run there, with a loop, timers and
/// connections of its own.
///
/// ```swift
/// let host = runtime.host("server-1")
/// try await host.run { … }        // what its process does, until it is done or dead
/// host.kill()                     // as SIGKILL does, whatever runs there
/// let next = host.restart()       // the same address, with nothing of the life before
/// ```
/// ``SimulatedRuntime/host(_:)`` makes it. Of the simulation it has the clock, the generator and the files. What it does
/// and what is done to it is in the trace, and follows from the seed.
///
/// Sendable: used on the simulation's thread alone.
public final class SimulatedHost: Runtime, @unchecked Sendable {
    /// What the faults of its connections are set by.
    public let name: String
    private let runtime: SimulatedRuntime
    private let connections: SimulatedNetwork
    private let loop: SimulatedLoop
    private let executor: LoopExecutor
    /// How far its time of day is off.
    private var clockError = Duration.zero
    /// What runs in ``run(_:)``, by number.
    private var processes: [UInt64: any SimulatedProcess] = [:]
    private var lastProcess: UInt64 = 0
    private var uponDeath: [() -> Void] = []
    /// Closes what it had open, for the end of its tasks.
    private var closing: () -> Void = {}

    init(
        _ name: String, in runtime: SimulatedRuntime, _ agenda: SimulatedAgenda, _ connections: SimulatedNetwork
    ) {
        self.name = name
        self.runtime = runtime
        self.connections = connections
        loop = SimulatedLoop(agenda)
        executor = LoopExecutor(loop)
    }

    /// Whether it has not been killed; true of one that is paused.
    public var isAlive: Bool { loop.isAlive }

    // MARK: What happens to it

    /// Kills it, as SIGKILL does its process and its kernel then does the sockets: nothing of it runs again, but for a job
    /// that calls this itself and ends first. Its listeners are closed. Of what was on its way to a peer, a part that the
    /// seed chooses still arrives, and then the peer finds the connection reset; what was not flushed is lost. Its ``disk``
    /// has what was written, synced or not. Whoever
    /// waits in ``run(_:)`` is told by a ``SimulatedHostDied``. Does nothing to a dead host.
    ///
    /// Its suspended tasks stay as they are until the simulation has its result. Then, so that their memory is given back,
    /// their sleeps throw `CancellationError` and their calls fail, where nobody hears them and nothing is traced; one that
    /// goes on nevertheless is left alone after some time. Expectations of a test belong into the simulation's body, or
    /// behind ``run(_:)``.
    public func kill() {
        guard isAlive else { return }
        runtime.record("host \(name) is killed")
        loop.die()
        executor.halt()
        runtime.died(self)
        closing = connections.hostDied(on: loop)
        disk.killProcess()
        for body in uponDeath { body() }
        uponDeath = []
        for (_, process) in processes.sorted(by: { $0.key < $1.key }) { process.died(SimulatedHostDied(host: name)) }
    }

    /// Has `body` called when the host is killed, once and at that moment, in the order of these calls: for what it leaves
    /// behind, such as a disk that loses what was not synced. Not called for a host that is dead already.
    public func whenKilled(_ body: @escaping @Sendable () -> Void) { uponDeath.append(body) }

    /// The host of the same name and address, started again with nothing of the life before; this one is killed first if
    /// it is alive.
    public func restart() -> SimulatedHost {
        kill()
        runtime.record("host \(name) starts again")
        return runtime.host(name)
    }

    /// Stops it, as SIGSTOP does: nothing of it runs, but for a job that calls this itself and ends first. Its kernel goes
    /// on: connections stay open, new ones are made, and what peers send is taken until the buffers are full. Does nothing
    /// to one that is dead or paused.
    public func pause() {
        guard loop.state == .running else { return }
        runtime.record("host \(name) is paused")
        loop.pause()
        executor.halt()
        connections.pauseChanged(of: loop)
    }

    /// Has a paused host go on where it was, first with what became due meanwhile, its timers among that, in that order.
    public func resume() {
        guard loop.state == .paused else { return }
        runtime.record("host \(name) goes on")
        loop.resume()
        loop.plan(at: loop.now) { self.executor.goOn() }
        connections.pauseChanged(of: loop)
    }

    /// Sets its time of day forward, or back by a negative duration. ``now``, by which it waits, goes on as before.
    public func stepClock(by step: Duration) {
        runtime.record("the clock of host \(name) is set by \(step)")
        clockError += step
    }

    // MARK: What runs there

    /// Runs `body` on the host, with all its child tasks, and returns what it does. Whoever calls this is elsewhere, and
    /// goes on when the host dies; cancelling the caller cancels `body`.
    ///
    /// - Throws: ``SimulatedHostDied`` when the host is killed first, or is dead; what `body` throws.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable @concurrent () async throws -> Result
    ) async throws -> Result {
        guard isAlive else { throw SimulatedHostDied(host: name) }
        lastProcess += 1
        let number = lastProcess
        let process = HostProcess<Result>()
        processes[number] = process
        process.task = runtime.spawn(on: executor) {
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
            self.processes[number] = nil
            process.ended(outcome)
        }
        return try await withTaskCancellationHandler {
            try await unsafe withUnsafeThrowingContinuation { unsafe process.begin($0) }
        } onCancel: {
            process.cancel()
        }
    }

    /// Ends the tasks of a dead host, after the simulation.
    func release() {
        loop.release()
        let closing = closing
        self.closing = {}
        loop.plan(at: loop.now) {
            self.executor.goOn()
            closing()
        }
    }

    // MARK: Runtime

    /// The simulated clock.
    public var now: RuntimeInstant { runtime.now }
    /// The simulation's time of day, as far as ``stepClock(by:)`` has not changed it.
    public var timeSince1970: Duration { runtime.timeSince1970 + clockError }
    /// Bits of the simulation's generator.
    public func randomBits() -> UInt64 { runtime.randomBits() }
    /// Waits on the simulated clock.
    public func sleep(until deadline: RuntimeInstant) async throws {
        try await runtime.sleep(until: deadline, on: loop)
    }
    /// The host's one loop.
    public var eventLoopGroup: any EventLoopGroup { loop }
    /// The loop's executor.
    public func loopExecutor(for loop: any EventLoop) -> LoopExecutor { executor }
    /// The loop's executor.
    public var taskExecutor: (any TaskExecutor)? { executor }
    /// The loop's executor.
    public var computeExecutor: any TaskExecutor { executor }
    /// The simulation's files.
    public var files: any RuntimeFiles { runtime.files }
    /// Logs on ``disk``.
    public var logs: any RuntimeLogs { disk }
    /// This host's own disk.
    public var disk: SimulatedLogs { runtime.disk(of: name) }
    /// Connections in memory, in this host's name.
    public var network: any RuntimeNetwork { HostNetwork(name: name, loop: loop, connections: connections) }
}

/// What ran on a simulated host that was killed, and will never end.
public struct SimulatedHostDied: Error, Sendable, Hashable, CustomStringConvertible {
    /// The host's name.
    public let host: String

    /// One line for a log.
    public var description: String { "host \(host) was killed" }
}

/// The simulated network as one host sees it.
private struct HostNetwork: RuntimeNetwork {
    let name: String
    let loop: SimulatedLoop
    let connections: SimulatedNetwork

    var security: ChannelSecurityStyle { connections.security }

    func listen(
        on endpoint: Endpoint, initializer: @escaping SimulatedNetwork.Initializer
    ) -> EventLoopFuture<any Channel> {
        connections.listen(on: endpoint, from: loop, initializer: initializer)
    }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration,
        initializer: @escaping SimulatedNetwork.Initializer
    ) -> EventLoopFuture<any Channel> {
        connections.connect(from: name, on: self.loop, to: endpoint, timeout: timeout, initializer: initializer)
    }

    func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop, initializer: @escaping SimulatedNetwork.Initializer
    ) -> EventLoopFuture<any Channel> {
        connections.openDatagrams(from: name, on: self.loop, to: endpoint, initializer: initializer)
    }
}
