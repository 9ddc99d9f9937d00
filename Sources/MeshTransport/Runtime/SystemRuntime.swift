public import MeshWire
public import NIOCore
import NIOPosix
import Synchronization

/// The runtime of a real process: the machine's clocks, generator, event loops and network.
public final class SystemRuntime: Runtime {
    /// The process's runtime, on NIO's shared event loops.
    public static let shared = SystemRuntime()

    /// Where connections live.
    public let eventLoopGroup: any EventLoopGroup
    /// `nil`: handlers run on Swift's own pool.
    public var taskExecutor: (any TaskExecutor)? { nil }
    /// Runs work that computes.
    public let computeExecutor: any TaskExecutor
    /// TCP, UDP and Unix domain sockets.
    public let network: any RuntimeNetwork
    /// The system's files.
    public var files: any RuntimeFiles { SystemFiles() }
    /// The system's files, written.
    public var logs: any RuntimeLogs { SystemLogs() }

    private let executors = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    /// - Parameters:
    ///   - eventLoopGroup: NIO's event loops; default: the process-wide ones.
    ///   - computeExecutor: where computing handlers run; default: NIO's process-wide pool of blocking threads. A host
    ///     that computes with `Tensor` passes its compute pool, so that both share one set of threads.
    public init(
        eventLoopGroup: (any EventLoopGroup)? = nil, computeExecutor: (any TaskExecutor)? = nil
    ) {
        let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        self.eventLoopGroup = group
        self.computeExecutor = computeExecutor ?? ThreadPoolExecutor(.singleton)
        network = SystemNetwork(group: group)
    }

    /// NIO's monotonic clock.
    public var now: RuntimeInstant {
        RuntimeInstant(nanoseconds: Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds))
    }

    /// The system's real-time clock.
    public var timeSince1970: Duration {
        var time = timespec()
        // The pointer is valid for the call.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    /// Bits of the system's generator.
    public func randomBits() -> UInt64 { UInt64.random(in: .min ... .max) }

    /// Waits on the continuous clock.
    public func sleep(until deadline: RuntimeInstant) async throws {
        try await Task.sleep(for: max(.zero, now.duration(to: deadline)))
    }

    /// The one executor of `loop`.
    public func loopExecutor(for loop: any EventLoop) -> LoopExecutor {
        executors.withLock { executors in
            if let known = executors[ObjectIdentifier(loop)] { return known }
            let executor = LoopExecutor(loop, trimsSegments: true)
            executors[ObjectIdentifier(loop)] = executor
            return executor
        }
    }
}

/// Runs tasks on a NIO thread pool.
private final class ThreadPoolExecutor: TaskExecutor {
    private let pool: NIOThreadPool

    init(_ pool: NIOThreadPool) { self.pool = pool }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // The job was handed to this executor and is run once. The process-wide pool never stops.
        pool.submit { _ in unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
