import MeshWire
import NIOCore

/// What ends at a deadline, unless it ends before. Confined to one event loop.
protocol DeadlineBound: AnyObject {
    var deadline: RuntimeInstant { get }
    /// Where ``DeadlineTimer`` keeps it; -1 while it does not.
    var position: Int { get set }
    /// The deadline has passed; the timer has forgotten it.
    func deadlinePassed()
    /// The timer has stopped, and forgotten it.
    func stopped(_ error: MeshError)
}

/// Ends calls at their deadlines, with one timer for many: most calls are answered long before, and cost no timer of
/// their own.
///
/// Confined to one event loop.
final class DeadlineTimer {
    private let executor: LoopExecutor
    private let runtime: any Runtime
    private var open: [any DeadlineBound] = []
    private var next: (deadline: RuntimeInstant, timer: Scheduled<Void>)?
    private var isStopped = false

    init(_ executor: LoopExecutor, _ runtime: any Runtime) {
        self.executor = executor
        self.runtime = runtime
    }

    /// Ends `bound` at its deadline, unless it is removed before.
    func add(_ bound: any DeadlineBound, _ now: RuntimeInstant) {
        bound.position = open.count
        open.append(bound)
        // After the end nothing waits: what is added is refused before the loop's next turn.
        if isStopped { return }
        if let next, next.deadline <= bound.deadline { return }
        schedule(bound.deadline, now)
    }

    /// Forgets `bound`; nothing happens if it is not there.
    func remove(_ bound: any DeadlineBound) {
        let position = bound.position
        guard position >= 0 else { return }
        bound.position = -1
        let last = open.removeLast()
        guard position < open.count else { return }
        last.position = position
        open[position] = last
    }

    /// Ends what is still open.
    func stop(_ error: MeshError) {
        isStopped = true
        next?.timer.cancel()
        next = nil
        for bound in open.sorted(by: { $0.deadline < $1.deadline }) {
            remove(bound)
            bound.stopped(error)
        }
    }

    private func schedule(_ deadline: RuntimeInstant, _ now: RuntimeInstant) {
        next?.timer.cancel()
        let loop = executor.eventLoop.assumeIsolated()
        let timer = loop.scheduleTask(in: .nanoseconds(max(0, now.nanoseconds(to: deadline)))) { [weak self] in
            if let self { fire() }
        }
        next = (deadline, timer)
    }

    private func fire() {
        next = nil
        let now = runtime.now
        for bound in open.filter({ $0.deadline <= now }).sorted(by: { $0.deadline < $1.deadline }) {
            remove(bound)
            bound.deadlinePassed()
        }
        guard !isStopped, let earliest = open.map(\.deadline).min() else { return }
        if let next, next.deadline <= earliest { return }
        schedule(earliest, now)
    }
}
