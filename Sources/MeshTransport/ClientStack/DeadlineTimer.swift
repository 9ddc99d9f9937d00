import MeshWire
import NIOCore

/// Ends attempts at their deadlines, with one timer for all of a client's: most calls are answered long before, and
/// cost no timer of their own.
///
/// Confined to the client's event loop.
final class DeadlineTimer {
    private let executor: LoopExecutor
    private let runtime: any Runtime
    private var open: [Attempt] = []
    private var next: (deadline: RuntimeInstant, timer: Scheduled<Void>)?
    private var isStopped = false

    init(_ executor: LoopExecutor, _ runtime: any Runtime) {
        self.executor = executor
        self.runtime = runtime
    }

    /// Abandons `attempt` at its deadline, unless it is removed before.
    func add(_ attempt: Attempt, _ now: RuntimeInstant) {
        attempt.position = open.count
        open.append(attempt)
        // After the end nothing waits: what is added is refused before the loop's next turn.
        if isStopped { return }
        if let next, next.deadline <= attempt.deadline { return }
        schedule(attempt.deadline, now)
    }

    /// Forgets `attempt`, which was added.
    func remove(_ attempt: Attempt) {
        let last = open.removeLast()
        guard last !== attempt else { return }
        last.position = attempt.position
        open[attempt.position] = last
    }

    /// Ends the attempts that are still open: those whose messages were lost, which nobody else knows of.
    func stop(_ error: MeshError) {
        isStopped = true
        next?.timer.cancel()
        next = nil
        var error = error
        error.progress = .mayHaveRun
        for attempt in open.sorted(by: { $0.deadline < $1.deadline }) { attempt.finish(.failed(error, .final)) }
    }

    private func schedule(_ deadline: RuntimeInstant, _ now: RuntimeInstant) {
        next?.timer.cancel()
        let loop = executor.eventLoop.assumeIsolated()
        let timer = loop.scheduleTask(in: .nanoseconds(max(0, now.nanoseconds(to: deadline)))) { self.fire() }
        next = (deadline, timer)
    }

    private func fire() {
        next = nil
        let now = runtime.now
        for attempt in open.filter({ $0.deadline <= now }).sorted(by: { $0.deadline < $1.deadline }) {
            attempt.abandon(.deadlineExceeded, "no answer in time", .mayHaveRun)
        }
        guard !isStopped, let earliest = open.map(\.deadline).min() else { return }
        if let next, next.deadline <= earliest { return }
        schedule(earliest, now)
    }
}
