import CTensorKernels

/// Bounds how many threads an operation takes.
///
/// By default a large operation shares its work over all of the compute pool. A server that answers many requests at
/// once does better with one thread each, and a process beside others may want to leave them some:
///
/// ```swift
/// let scores = ComputeBudget.withThreads(1) { batch.matmul(weights) }
/// ```
///
/// Results have the same bits whatever the bound is.
public enum ComputeBudget {
    /// Runs `body`, in which every operation of the calling thread takes at most `threads` threads, the calling one
    /// included. Within another bound the inner one holds, and the outer one again when `body` has returned or thrown.
    ///
    /// - Parameter threads: 1 or more; 0 stands for all of the compute pool. More than it has is as much as it has.
    ///
    /// `body` is synchronous, as a bound belongs to a thread and a task may go on on another.
    public static func withThreads<Result: ~Copyable, Failure: Error>(
        _ threads: Int, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(threads >= 0, "a budget of \(threads) threads")
        let outer = mw_pool_set_thread_budget(threads)
        defer { _ = mw_pool_set_thread_budget(outer) }
        return try body()
    }

    /// The threads that an operation of the calling thread may take now, the calling one included: 1 or more.
    public static var threads: Int { mw_pool_threads_for(0) }
}
