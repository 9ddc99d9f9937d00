public import MeshWire
public import NIOCore
import NIOPosix
import Synchronization

/// A runtime on one thread, with a clock that jumps from event to event and a network in memory: everything that
/// happens follows from the seed.
///
/// ```swift
/// let reply = try await SimulatedRuntime.run(seed: 7) { runtime in
///     let authority = try TestAuthority(runtime: runtime)
///     …
/// }
/// ```
/// Tasks run in the order in which they become ready; messages take a random time of the seed's choosing, in order on
/// each connection. Code that stays within the mesh's rooms, whose time, chance and threads come from their
/// ``Runtime``, replays exactly; code that leaves them (Foundation's timers, tasks on other executors) does not.
public final class SimulatedRuntime: Runtime, @unchecked Sendable {
    // Sendable: used on the one thread that runs the simulation; the generator is behind a lock all the same.

    /// What everything follows from.
    public let seed: UInt64
    /// What happened.
    public let trace = EventTrace()
    private let agenda: SimulatedAgenda
    /// The loop of what belongs to no host.
    private let loop: SimulatedLoop
    private let executor: LoopExecutor
    private let generator: Mutex<SplitMix64>
    let simulatedNetwork: SimulatedNetwork
    let simulatedFiles = SimulatedFiles()
    /// The disks of the simulation, by the names of their hosts; the simulation's own has none.
    private let disks = Mutex<[String: SimulatedLogs]>([:])
    /// The hosts that live, by name, and those that have died. Used on the simulation's thread alone.
    private var hosts: [String: SimulatedHost] = [:]
    private var dead: [SimulatedHost] = []
    /// Until when the thread has been held: the clock is ahead of the loop, which catches up when it is let go.
    private let heldUntil = Atomic<Int64>(.min)

    private init(seed: UInt64, latency: ClosedRange<Duration>) throws {
        self.seed = seed
        agenda = SimulatedAgenda()
        loop = SimulatedLoop(agenda)
        executor = LoopExecutor(loop)
        generator = Mutex(SplitMix64(seed: seed))
        simulatedNetwork = try SimulatedNetwork(
            loop: loop, latency: latency, seed: seed, trace: trace)
    }

    /// The threads that simulations occupy: as many as there are processors, and none of Swift's pool, on which
    /// everything else of the process runs meanwhile.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: System.coreCount)
        pool.start()
        return pool
    }()

    /// Runs `body` in a simulation of `seed` until it returns, on a thread of its own; as many simulations run at a
    /// time as there are processors.
    ///
    /// - Parameters:
    ///   - latency: how long a message takes; each draws its own time. Default 50 µs to 2 ms.
    ///   - limit: the simulated time after which the run counts as hung. Default one hour.
    /// - Throws: what `body` throws, ``SimulationHung``, or `CancellationError` where the calling task was cancelled
    ///   before a thread was free.
    public static func run<Result: Sendable>(
        seed: UInt64, latency: ClosedRange<Duration> = .microseconds(50)...(.milliseconds(2)),
        limit: Duration = .seconds(3_600),
        _ body: @escaping @Sendable @concurrent (SimulatedRuntime) async throws -> Result
    ) async throws -> Result {
        try await threads.runIfActive {
            try simulate(seed: seed, latency: latency, limit: limit, body)
        }
    }

    /// Runs a simulation on the calling thread.
    private static func simulate<Result: Sendable>(
        seed: UInt64, latency: ClosedRange<Duration>, limit: Duration,
        _ body: @escaping @Sendable @concurrent (SimulatedRuntime) async throws -> Result
    ) throws -> Result {
        let runtime = try SimulatedRuntime(seed: seed, latency: latency)
        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        let task = runtime.spawn(on: runtime.executor) {
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(runtime)) } catch { result = .failure(error) }
            outcome.withLock { $0 = result }
        }
        defer { runtime.end() }
        let end = runtime.agenda.now + .nanoseconds(limit.inNanoseconds)
        while outcome.withLock({ $0 == nil }) {
            guard runtime.now < runtime.instant(end), runtime.agenda.step(until: end) else {
                task.cancel()
                throw SimulationHung(seed: seed, limit: limit)
            }
        }
        return try outcome.withLock { $0 }!.get()
    }

    /// Ends the simulation, which has its result: the tasks of dead hosts run to their end, unseen and in a world where
    /// all fails, since a task that is left suspended keeps its memory for ever. They are not cancelled: one that calls
    /// again and again would then do so without ever being suspended.
    private func end() {
        agenda.isOver = true
        trace.close()
        for host in dead { host.release() }
        // A task may never end: it loses no more than its own memory.
        var budget = dead.count * Self.eventsToEnd
        while budget > 0, agenda.step(until: .distantFuture) { budget -= 1 }
        agenda.close()
        dead = []
        hosts = [:]
    }

    /// What the tasks of a dead host may take to end; a mesh's take a few hundred.
    private static let eventsToEnd = 4_000

    /// Adds an event to the trace.
    public func record(_ event: String) { trace.record(event, at: now) }

    /// The simulated clock.
    public var now: RuntimeInstant {
        max(loopTime, RuntimeInstant(nanoseconds: heldUntil.load(ordering: .relaxed)))
    }

    private var loopTime: RuntimeInstant { instant(agenda.now) }

    private func instant(_ time: NIODeadline) -> RuntimeInstant {
        RuntimeInstant(nanoseconds: Int64(truncatingIfNeeded: time.uptimeNanoseconds))
    }

    /// Holds the simulation's thread for `duration`, as code does that computes or blocks: nothing else happens meanwhile,
    /// and what was due is late.
    public func hold(for duration: Duration) {
        precondition(duration >= .zero, "a thread cannot be held for \(duration)")
        heldUntil.store(now.advanced(by: duration).nanoseconds, ordering: .relaxed)
    }

    /// 2026-01-01 00:00 UTC plus the simulated clock.
    public var timeSince1970: Duration { .seconds(1_767_225_600) + .nanoseconds(now.nanoseconds) }

    /// Bits of the seeded generator.
    public func randomBits() -> UInt64 { generator.withLock { $0.next() } }

    /// Waits on the simulated clock.
    public func sleep(until deadline: RuntimeInstant) async throws { try await sleep(until: deadline, on: loop) }

    /// Waits on the simulated clock, on a host's loop.
    func sleep(until deadline: RuntimeInstant, on loop: SimulatedLoop) async throws {
        let isForEver = deadline.nanoseconds == .max
        try await loop.sleep(until: isForEver ? nil : .uptimeNanoseconds(UInt64(max(0, deadline.nanoseconds))))
    }

    /// The simulation's loop.
    public var eventLoopGroup: any EventLoopGroup { loop }
    /// The loop's executor.
    public func loopExecutor(for loop: any EventLoop) -> LoopExecutor { executor }
    /// The loop's executor.
    public var taskExecutor: (any TaskExecutor)? { executor }
    /// The loop's executor.
    public var computeExecutor: any TaskExecutor { executor }
    /// Connections in memory.
    public var network: any RuntimeNetwork { simulatedNetwork }
    /// What ``setFile(_:to:)`` has written.
    public var files: any RuntimeFiles { simulatedFiles }
    /// Logs on ``disk``.
    public var logs: any RuntimeLogs { disk }
    /// The disk of those processes that run on no ``host(_:)``.
    public var disk: SimulatedLogs { disk(of: "") }

    /// The disk of a host, which outlives the host's crashes.
    func disk(of host: String) -> SimulatedLogs {
        disks.withLock { disks in
            if let disk = disks[host] { return disk }
            let seed = host.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            let disk = SimulatedLogs(seed: seed) { [weak self] time in
                if time > .zero { try? await self?.sleep(for: time) }
            }
            disks[host] = disk
            return disk
        }
    }

    /// Closes the listener at `host`:`port` and its connections, and refuses new ones; whoever listened there lives on.
    /// What dies as a process does is a ``SimulatedHost``.
    public func kill(host: String, port: Int) { kill(.tcp(host: host, port: port)) }

    /// Ends every connection of the listener at `endpoint`, as ``kill(host:port:)`` does.
    public func kill(_ endpoint: Endpoint) { simulatedNetwork.kill(endpoint) }
}

/// What goes wrong between a client and an endpoint; at any moment of the simulation, for connections that are open and
/// for those to come.
extension SimulatedRuntime {
    /// The host called `name`, made when it is first asked for or after it has died: what meshes connect to with it as
    /// their runtime has the faults of that name. Meshes of the simulation itself belong to no host and have no name.
    public func host(_ name: String) -> SimulatedHost {
        if let living = hosts[name] { return living }
        let host = SimulatedHost(name, in: self, agenda, simulatedNetwork)
        hosts[name] = host
        return host
    }

    /// Takes note of a death.
    func died(_ host: SimulatedHost) {
        hosts[host.name] = nil
        dead.append(host)
    }

    /// Sets the faults of connections, in place of those that were set for the same names.
    ///
    /// A connection has the faults that were set for its client and its endpoint; else those for its endpoint, for its
    /// client, for all.
    ///
    /// - Parameters:
    ///   - faults: what happens; it is a mistake of the caller if a share is not in 0...1 or a duration is negative.
    ///   - client: the name of a ``host(_:)``; default all.
    ///   - endpoint: where its server listens; default all.
    public func setFaults(_ faults: NetworkFaults, from client: String? = nil, to endpoint: Endpoint? = nil) {
        precondition(faults.problems.isEmpty, faults.problems.joined(separator: "; "))
        record("faults from \(client ?? "all") to \(endpoint?.description ?? "all") are set")
        simulatedNetwork.change { $0.set(faults, FaultTable.Route(client: client, endpoint: endpoint)) }
    }

    /// Lets nothing pass between a client and an endpoint, in either direction, until ``heal(from:to:)``. What is sent
    /// meanwhile arrives then, as TCP sends it again; new connections get no answer.
    public func partition(from client: String? = nil, to endpoint: Endpoint? = nil) {
        record("partition from \(client ?? "all") to \(endpoint?.description ?? "all")")
        simulatedNetwork.change { $0.partition(FaultTable.Route(client: client, endpoint: endpoint)) }
    }

    /// Ends the partition of the same names, if there is one.
    public func heal(from client: String? = nil, to endpoint: Endpoint? = nil) {
        record("the partition from \(client ?? "all") to \(endpoint?.description ?? "all") heals")
        simulatedNetwork.change { $0.heal(FaultTable.Route(client: client, endpoint: endpoint)) }
    }
}

/// A simulation that did not end in time; every task of it may be waiting for something that never happens.
public struct SimulationHung: Error, Sendable, CustomStringConvertible {
    /// The seed to repeat it with.
    public let seed: UInt64
    /// The simulated time that it was given.
    public let limit: Duration

    /// One line for a log.
    public var description: String { "the simulation of seed \(seed) did not end within \(limit)" }
}
