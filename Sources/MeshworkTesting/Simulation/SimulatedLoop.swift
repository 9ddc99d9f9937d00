import Dispatch
import MeshWire
import NIOCore

/// The event loop of one life of a simulated host: what runs there stands still with it, and never runs again once it is
/// dead.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedLoop: EventLoop, @unchecked Sendable {
    enum State {
        case running
        case paused
        case dead
        /// Dead, and run to the end of its tasks after the simulation, for their memory.
        case released
    }

    let agenda: SimulatedAgenda
    private(set) var state = State.running
    /// What was due while nothing ran here, in that order.
    private var setAside: [SimulatedAgenda.Entry] = []
    /// Those that sleep without a timer.
    private var endless: [Waiter] = []

    init(_ agenda: SimulatedAgenda) { self.agenda = agenda }

    var isAlive: Bool { state == .running || state == .paused }

    /// Lets nothing run here until ``resume()``.
    func pause() { state = .paused }

    /// Runs what was due meanwhile, now and in order, and goes on.
    func resume() {
        state = .running
        bringBack()
    }

    /// Lets nothing run here again.
    func die() { state = .dead }

    /// Runs what is left of the tasks, after the simulation.
    func release() {
        state = .released
        bringBack()
        let sleeping = endless
        endless = []
        plan(at: now) { for waiter in sleeping { waiter.finish(CancellationError()) } }
    }

    private func bringBack() {
        let late = setAside
        setAside = []
        for entry in late { agenda.resume(entry) }
    }

    /// Whether an entry that is due may run; if not, it is kept.
    func takes(_ entry: SimulatedAgenda.Entry) -> Bool {
        if state == (agenda.isOver ? .released : .running) { return true }
        setAside.append(entry)
        return false
    }

    /// Runs `body` here: now if it is this loop's turn, or in its next.
    func perform(_ body: @escaping () -> Void) {
        if inEventLoop { body() } else { plan(at: now, body) }
    }

    /// Runs `body` here at `due`.
    func plan(at due: NIODeadline, _ body: @escaping () -> Void) { agenda.add(at: due, on: self, body) }

    /// Returns at `deadline` of this loop, or throws when the task is cancelled.
    func sleep(until deadline: NIODeadline?) async throws {
        let waiter = Waiter()
        try await withTaskCancellationHandler {
            try await unsafe withUnsafeThrowingContinuation { continuation in
                unsafe waiter.begin(continuation)
                // A task of a dead host is to end: it goes through the agenda, so that one that never ends is left alone.
                if state == .released { return plan(at: now) { waiter.finish(CancellationError()) } }
                if let deadline { return plan(at: max(now, deadline)) { waiter.finish(nil) } }
                // A wait for ever has no timer: it ends by cancellation.
                endless.removeAll { $0.isFinished }
                endless.append(waiter)
            }
        } onCancel: {
            waiter.finish(CancellationError())
        }
    }

    // MARK: EventLoop

    var now: NIODeadline { agenda.now }

    var inEventLoop: Bool { agenda.current === self }

    func execute(_ task: @escaping @Sendable () -> Void) { plan(at: now, task) }

    func scheduleTask<Result>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Result
    ) -> Scheduled<Result> {
        let promise = makePromise(of: Result.self)
        let entry = agenda.add(at: max(now, deadline), on: self) {
            do { promise.assumeIsolated().succeed(try task()) } catch { promise.fail(error) }
        }
        return Scheduled(promise: promise, cancellationTask: { [agenda] in agenda.cancel(entry) })
    }

    func scheduleTask<Result>(
        in delay: TimeAmount, _ task: @escaping @Sendable () throws -> Result
    ) -> Scheduled<Result> {
        scheduleTask(deadline: now + delay, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }
}

/// A sleeping task, woken once.
///
/// Sendable: used on the simulation's thread alone.
@safe private final class Waiter: @unchecked Sendable {
    private var continuation: UnsafeContinuation<Void, any Error>?
    private var early: (any Error)?
    private(set) var isFinished = false

    @unsafe
    func begin(_ continuation: UnsafeContinuation<Void, any Error>) {
        guard isFinished else { return unsafe self.continuation = continuation }
        unsafe Self.resume(continuation, early)
    }

    func finish(_ error: (any Error)?) {
        guard !isFinished else { return }
        isFinished = true
        early = error
        guard let waiting = unsafe continuation else { return }
        unsafe continuation = nil
        unsafe Self.resume(waiting, error)
    }

    @unsafe
    private static func resume(_ continuation: UnsafeContinuation<Void, any Error>, _ error: (any Error)?) {
        if let error {
            unsafe continuation.resume(throwing: error)
        } else {
            unsafe continuation.resume()
        }
    }
}
