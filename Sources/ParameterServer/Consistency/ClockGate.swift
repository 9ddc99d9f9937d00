import Coordination
import MeshWire
import Synchronization

/// Where pulls of bounded staleness wait until every other worker is so far, or has left.
///
/// Safe to use from any task: guarded by a mutex.
final class ClockGate: Sendable {
    /// How a wait ended.
    enum Outcome: Sendable, Hashable {
        case reached
        /// The time was over; this worker was the slowest.
        case behind(SlotClocks.Entry)
        /// Too many wait, or the partition has another head.
        case refused
    }

    private struct State {
        var clocks = SlotClocks()
        var fence = SessionFence()
        var waiting: [(bound: ClockBound, wait: GateWait)] = []
        var isClosed = false
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: the most pulls that wait at a time.
    init(limit: Int) { self.limit = limit }

    /// Takes the clocks and the fence as they are now, and lets those through who have waited for that.
    func take(_ clocks: SlotClocks, _ fence: SessionFence) {
        let through = state.withLock { state in
            (state.clocks, state.fence) = (clocks, fence)
            guard !state.waiting.isEmpty else { return [GateWait]() }
            var through: [GateWait] = []
            state.waiting.removeAll { waiting in
                guard clocks.laggard(of: waiting.bound, fence) == nil else { return false }
                through.append(waiting.wait)
                return true
            }
            return through
        }
        for wait in through { wait.finish(true) }
    }

    /// Ends all waits, and those to come.
    func close() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isClosed = true
            return state.waiting.map(\.wait)
        }
        for wait in waiting { wait.finish(false) }
    }

    /// How many pulls wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Whether a pull need not wait.
    func isReached(_ bound: ClockBound) -> Bool { state.withLock { $0.clocks.laggard(of: bound, $0.fence) == nil } }

    /// Waits until no other live worker is behind the bound.
    func wait(for bound: ClockBound, until deadline: RuntimeInstant, on runtime: any Runtime) async -> Outcome {
        let wait = GateWait()
        let early: Outcome? = state.withLock { state in
            guard state.clocks.laggard(of: bound, state.fence) != nil else { return .reached }
            guard !state.isClosed, state.waiting.count < limit else { return .refused }
            state.waiting.append((bound, wait))
            return nil
        }
        if let early { return early }
        if await wait.value(until: deadline, on: runtime) { return .reached }
        return state.withLock { state in
            state.waiting.removeAll { $0.wait === wait }
            guard !state.isClosed else { return .refused }
            return state.clocks.laggard(of: bound, state.fence).map(Outcome.behind) ?? .reached
        }
    }
}
