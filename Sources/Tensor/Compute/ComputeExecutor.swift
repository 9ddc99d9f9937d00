import CTensorKernels

/// Runs tasks on the compute pool's threads, so that neither event loops nor Swift's cooperative pool wait for
/// arithmetic: a tensor operation occupies the thread of its caller until it is done.
///
/// ```swift
/// try await withTaskExecutorPreference(ComputeExecutor.shared) { try await train() }
/// ```
///
/// Jobs start first in, first out, on as many threads as the process may use at once.
public final class ComputeExecutor: TaskExecutor {
    /// The executor of the process's one compute pool.
    public static let shared = ComputeExecutor()

    private init() {}

    /// Whether the calling thread is one of the pool's.
    public var isCurrent: Bool { mw_pool_is_worker() }

    /// Queues a job; part of the executor protocol, called by Swift.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let context = unsafe Unmanaged.passRetained(QueuedJob(unowned, on: asUnownedTaskExecutor()))
        // Safe: each context is a box that was retained here, and is taken once.
        let queued = unsafe mw_pool_submit(
            { context in unsafe Unmanaged<QueuedJob>.fromOpaque(context!).takeRetainedValue().run() },
            context.toOpaque())
        // Without memory or a thread for the queue, the job still has to run: here is better than never.
        if !queued { unsafe context.takeRetainedValue().run() }
    }
}

/// A job between the executor and a pool thread.
@safe private final class QueuedJob {
    private let job: UnownedJob
    private let executor: UnownedTaskExecutor

    init(_ job: UnownedJob, on executor: UnownedTaskExecutor) {
        self.job = job
        unsafe self.executor = executor
    }

    func run() {
        // Safe: Swift keeps a job alive until it has run, and this one runs once; the shared executor never dies.
        unsafe job.runSynchronously(on: executor)
    }
}
