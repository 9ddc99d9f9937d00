public import NIOCore

/// An executor whose jobs run on a loop, between those of the loop's own executor and those of other tenants: it learns
/// when they do.
package protocol LoopTenant: AnyObject, Sendable {
    /// Runs a job of its own, on the loop.
    ///
    /// - Parameter clock: the time when the job before it ended, if that is known and was just now; to be set to the time
    ///   when this one ended, so that jobs in a row read the clock once each.
    func run(_ job: UnownedJob, clock: inout RuntimeInstant?)
}

/// Runs tasks on an event loop, in batches.
///
/// A job waits in a run queue for the loop's next turn. One that is enqueued while the loop reads from a connection runs
/// before that, when the read is complete and before the replies are flushed: a caller that is resumed by a reply sends
/// its next request with the same flush. No job runs inside `enqueue`: it would run the host's code on an unbounded
/// stack, inside whatever resumed it.
public final class LoopExecutor: TaskExecutor, @unchecked Sendable {
    // Sendable: everything mutable is touched on the loop alone.

    /// The loop that the jobs run on.
    public let eventLoop: any EventLoop

    /// The most jobs that one drain runs before the loop looks at its sockets again.
    private static let batchSize = 256

    /// A job, and whose it is if not this executor's own.
    private struct Waiting {
        let job: UnownedJob
        let tenant: (any LoopTenant)?
    }

    private var queue: [Waiting] = []
    private var position = 0
    private var isDraining = false
    private var isDrainScheduled = false
    /// Whether no job begins any more, also of those that wait: a simulated host's, that has stopped or died. On the loop.
    package private(set) var isHalted = false
    /// Whether the memory of segments that its connections carried has to be looked after, from the next one on.
    var mayTrimSegments: Bool

    /// An executor for `eventLoop`.
    public convenience init(_ eventLoop: any EventLoop) {
        self.init(eventLoop, trimsSegments: false)
    }

    /// - Parameter trimsSegments: whether memory that segments have left idle is given back from this loop. Not in a
    ///   simulation, whose clock says nothing about the process's memory.
    package init(_ eventLoop: any EventLoop, trimsSegments: Bool) {
        self.eventLoop = eventLoop
        mayTrimSegments = trimsSegments
    }

    /// Takes a job; called by the Swift runtime.
    public func enqueue(_ job: consuming ExecutorJob) {
        enqueue(job, of: nil)
    }

    /// Takes a job of an executor that shares the loop.
    package func enqueue(_ job: consuming ExecutorJob, of tenant: (any LoopTenant)?) {
        let job = UnownedJob(job)
        if eventLoop.inEventLoop {
            append(Waiting(job: job, tenant: tenant))
        } else {
            eventLoop.execute { self.append(Waiting(job: job, tenant: tenant)) }
        }
    }

    /// Runs the jobs that came up while a connection was read, without waiting for the loop's next turn.
    package func finishReading() { drain() }

    /// Begins no job until ``goOn()``.
    package func halt() { isHalted = true }

    /// Runs jobs again, those first that wait. The loop is not in a turn of this executor.
    package func goOn() {
        isHalted = false
        if position < queue.count { scheduleDrain() }
    }

    private func append(_ waiting: Waiting) {
        queue.append(waiting)
        // The drain that is under way sees the job, or schedules another.
        if !isDraining { scheduleDrain() }
    }

    private func scheduleDrain() {
        guard !isDrainScheduled else { return }
        isDrainScheduled = true
        eventLoop.execute {
            self.isDrainScheduled = false
            self.drain()
        }
    }

    private func drain() {
        // A job may close a connection, whose last read is then complete: its jobs wait for the one that runs.
        guard !isDraining else { return }
        isDraining = true
        defer { isDraining = false }
        var budget = Self.batchSize
        var clock: RuntimeInstant?
        while !isHalted, position < queue.count, budget > 0 {
            let next = queue[position]
            position += 1
            budget -= 1
            if let tenant = next.tenant {
                tenant.run(next.job, clock: &clock)
            } else {
                clock = nil
                // The job was handed to this executor and is run once, on its loop.
                unsafe next.job.runSynchronously(on: asUnownedTaskExecutor())
            }
        }
        // What has run is let go of also when the queue never becomes empty.
        if position == queue.count {
            queue.removeAll(keepingCapacity: true)
            position = 0
        } else if position > queue.count / 2 {
            queue.removeFirst(position)
            position = 0
        }
        if !isHalted, position < queue.count { scheduleDrain() }
    }
}
