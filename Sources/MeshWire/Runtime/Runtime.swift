public import NIOCore

/// A point on a runtime's monotonic clock, in nanoseconds since an origin of the runtime's choosing.
public struct RuntimeInstant: Sendable, Hashable, Comparable, InstantProtocol {
    /// Nanoseconds since the clock's origin.
    public var nanoseconds: Int64

    /// Makes an instant.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The instant `duration` later; saturates instead of overflowing.
    public func advanced(by duration: Duration) -> RuntimeInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.inNanoseconds)
        guard !overflow else { return RuntimeInstant(nanoseconds: duration < .zero ? .min : .max) }
        return RuntimeInstant(nanoseconds: sum)
    }

    /// The time from this instant to `other`; saturates instead of overflowing.
    public func duration(to other: RuntimeInstant) -> Duration { .nanoseconds(nanoseconds(to: other)) }

    /// The nanoseconds from this instant to `other`; saturates instead of overflowing.
    package func nanoseconds(to other: RuntimeInstant) -> Int64 {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return overflow ? (self < other ? .max : .min) : difference
    }

    /// Earlier comes first.
    public static func < (left: RuntimeInstant, right: RuntimeInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// Whole nanoseconds, rounded towards zero; clamped to what 64 bits hold.
    package var inNanoseconds: Int64 {
        Int64(clamping: attoseconds / 1_000_000_000)
    }

    /// Seconds as a floating-point number.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

/// Everything that a mesh takes from its surroundings: time, chance, threads and the network.
///
/// The rooms that speak to each other over the mesh never read a clock, draw a random number or start a task by
/// themselves; they ask their runtime. With the runtime of a real process that is the machine; with a seeded one from
/// `MeshworkTesting` it is a simulation on one thread that replays from its seed.
public protocol Runtime: AnyObject, Sendable {
    /// Now, on a clock that never goes back.
    var now: RuntimeInstant { get }

    /// Now, as time since 1970-01-01 00:00 UTC: what certificates are checked against.
    var timeSince1970: Duration { get }

    /// 64 random bits; in a real process, good enough for secrets.
    func randomBits() -> UInt64

    /// Returns at `deadline`, or throws `CancellationError` when the task is cancelled before.
    func sleep(until deadline: RuntimeInstant) async throws

    /// Where connections live.
    var eventLoopGroup: any EventLoopGroup { get }

    /// Runs tasks on `loop`, which belongs to ``eventLoopGroup``.
    func loopExecutor(for loop: any EventLoop) -> LoopExecutor

    /// Runs handlers and other tasks that may wait; `nil` for Swift's own pool.
    var taskExecutor: (any TaskExecutor)? { get }

    /// Runs work that computes for more than about 20 µs, so that neither loops nor other tasks wait for it.
    var computeExecutor: any TaskExecutor { get }

    /// Opens and accepts connections.
    var network: any RuntimeNetwork { get }

    /// Files that others write, to be read. Default: none.
    var files: any RuntimeFiles { get }

    /// Files that this process writes and syncs, to be read after a restart. Default: none, every call is refused.
    var logs: any RuntimeLogs { get }
}

extension Runtime {
    /// No files.
    public var files: any RuntimeFiles { NoFiles() }

    /// No logs.
    public var logs: any RuntimeLogs { NoLogs() }

    /// Returns after `duration`, or throws `CancellationError` when the task is cancelled before.
    public func sleep(for duration: Duration) async throws {
        try await sleep(until: now.advanced(by: duration))
    }

    /// Starts a task that no other task waits for. The one place where that is done: whoever calls it keeps the
    /// handle and answers for the task's end.
    @discardableResult
    package func spawn(
        on executor: (any TaskExecutor)?, _ body: @escaping @Sendable @concurrent () async -> Void
    ) -> Task<Void, Never> {
        Task(executorPreference: executor, operation: body)
    }

    /// The same for a task with a result.
    package func spawnValue<Value: Sendable>(
        on executor: (any TaskExecutor)?, _ body: @escaping @Sendable @concurrent () async -> Value
    ) -> Task<Value, Never> {
        Task(executorPreference: executor, operation: body)
    }
}

/// The generator interface of a runtime's random bits, for Swift's own `random(using:)` and `shuffled(using:)`.
package struct RuntimeRandomNumberGenerator: RandomNumberGenerator {
    private let runtime: any Runtime

    package init(_ runtime: any Runtime) { self.runtime = runtime }

    package mutating func next() -> UInt64 { runtime.randomBits() }
}

/// How a runtime opens and accepts connections.
public protocol RuntimeNetwork: Sendable {
    /// Connects to `endpoint` on `loop`. `initializer` sets the pipeline of the one channel that connected up, before a
    /// byte is read from it.
    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel>

    /// Listens on `endpoint`; a port of 0 picks a free one, and the file of a Unix domain socket lives as long as the
    /// listener. `initializer` sets each accepted channel's pipeline up.
    func listen(
        on endpoint: Endpoint, initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel>

    /// Opens a socket for datagrams to and from `endpoint` alone, whose host is an address, on `loop`: what others send to
    /// it does not arrive. Its channel reads and writes `ByteBuffer`s, each a datagram; `initializer` sets its pipeline up.
    /// Default: fails.
    func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel>

    /// How channels prove to each other who they are.
    var security: ChannelSecurityStyle { get }
}

extension RuntimeNetwork {
    /// Fails: there are no datagrams.
    public func openDatagrams(
        to endpoint: Endpoint, on loop: any EventLoop,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        loop.makeFailedFuture(ChannelError.operationUnsupported)
    }
}

/// Whether a network's channels carry TLS records.
public enum ChannelSecurityStyle: Sendable {
    /// TLS 1.3, as on any real network.
    case tls
    /// Certificates are exchanged and verified as in TLS, without records: for simulations, where no one listens.
    case simulated

    /// Whether payloads are written in the memory that they are in: TLS and sockets read it and are done, while what a
    /// simulation is given turns up at the other end, for whoever receives to do with as it likes.
    package var sharesSegments: Bool { self == .tls }
}
