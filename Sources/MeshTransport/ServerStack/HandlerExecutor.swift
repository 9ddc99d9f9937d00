import MeshWire

/// Runs the handlers of one method on a connection's event loop, and tells the watchdog of those that hold it.
///
/// A connection keeps one for each of its methods, for as long as a handler of its calls runs.
final class HandlerExecutor: TaskExecutor, LoopTenant {
    private let loop: LoopExecutor
    private let watchdog: LoopWatchdog
    private let method: String
    private let peer: String

    init(_ loop: LoopExecutor, _ watchdog: LoopWatchdog, method: String, peer: String) {
        self.loop = loop
        self.watchdog = watchdog
        self.method = method
        self.peer = peer
    }

    /// Takes a job; called by the Swift runtime.
    func enqueue(_ job: consuming ExecutorJob) { loop.enqueue(job, of: self) }

    func run(_ job: UnownedJob, clock: inout RuntimeInstant?) {
        let start = clock ?? watchdog.runtime.now
        // The job was handed to this executor and is run once, on its loop.
        unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        let end = watchdog.runtime.now
        // The next job of a handler begins where this one ended.
        clock = end
        watchdog.ran(method, peer, from: start, to: end)
    }
}
