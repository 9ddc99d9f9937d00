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

    init(_ executor: LoopExecutor, _ runtime: any Runtime) {
        self.executor = executor
        self.runtime = runtime
    }

    /// Abandons `attempt` at its deadline, unless it is removed before.
    func add(_ attempt: Attempt, _ now: RuntimeInstant) {
        attempt.position = open.count
        open.append(attempt)
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

    /// Forgets the timer; attempts that are open stay so.
    func stop() {
        next?.timer.cancel()
        next = nil
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
        if next == nil, let earliest = open.map(\.deadline).min() { schedule(earliest, now) }
    }
}
