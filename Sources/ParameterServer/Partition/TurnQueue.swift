import MeshWire
import Synchronization

/// Lets tasks through one at a time, in the order in which they came. Waiting suspends the task, never its thread.
///
/// Safe to use from any task: the line is guarded by a mutex that is held for a few instructions.
final class TurnQueue: Sendable {
    private enum Waiter {
        case patient(CheckedContinuation<Void, Never>)
        /// Leaves at a deadline.
        case impatient(PendingOutcome<Bool>)
    }

    private struct Line {
        var isTaken = false
        var waiting: [Waiter] = []
    }

    private let limit: Int
    private let line = Mutex(Line())

    /// - Parameter limit: the most tasks that wait at a time when a further one comes with ``take()``.
    init(limit: Int) { self.limit = limit }

    /// Takes the turn if nobody has it.
    func tryTake() -> Bool {
        line.withLock { line in
            guard !line.isTaken else { return false }
            line.isTaken = true
            return true
        }
    }

    /// How many wait.
    var waitingCount: Int { line.withLock { $0.waiting.count } }

    /// Waits for the turn; whoever has it gives it on with ``pass()``. A wait is not cut short by cancellation: the
    /// turns before it are bounded in number and length.
    ///
    /// - Returns: false, at once, if too many wait.
    func take() async -> Bool { await take(ifFewerWaitThan: limit) }

    /// Waits for the turn however many wait: for those whose number is bounded elsewhere and who must not be refused.
    func takeWithoutLimit() async { _ = await take(ifFewerWaitThan: .max) }

    /// Waits for the turn until `deadline`, or the task is cancelled: where turns take as long as somebody's answer.
    ///
    /// - Returns: false if too many wait, at once, or if the turn did not come in time.
    func take(until deadline: RuntimeInstant, on runtime: any Runtime) async -> Bool {
        let outcome = PendingOutcome<Bool>()
        let isServed: Bool? = line.withLock { line in
            guard line.isTaken else {
                line.isTaken = true
                return true
            }
            guard line.waiting.count < limit else { return false }
            line.waiting.append(.impatient(outcome))
            return nil
        }
        if let isServed { return isServed }
        if await outcome.value(until: deadline, on: runtime, late: false) { return true }
        let hasLeft = line.withLock { line in
            let place = line.waiting.firstIndex { waiter in
                if case .impatient(let other) = waiter { other === outcome } else { false }
            }
            if let place { line.waiting.remove(at: place) }
            return place != nil
        }
        // The turn was given to it at that moment.
        if !hasLeft { pass() }
        return false
    }

    private func take(ifFewerWaitThan limit: Int) async -> Bool {
        enum Place {
            case served, waiting, refused
        }
        var place = Place.waiting
        await withCheckedContinuation { continuation in
            place = line.withLock { line in
                guard line.isTaken else {
                    line.isTaken = true
                    return .served
                }
                guard line.waiting.count < limit else { return .refused }
                line.waiting.append(.patient(continuation))
                return .waiting
            }
            if place != .waiting { continuation.resume() }
        }
        return place != .refused
    }

    /// Gives the turn to the next in line.
    func pass() {
        let next: Waiter? = line.withLock { line in
            guard line.waiting.isEmpty else { return line.waiting.removeFirst() }
            line.isTaken = false
            return nil
        }
        switch next {
        case .patient(let continuation): continuation.resume()
        case .impatient(let outcome): outcome.finish(true)
        case nil: break
        }
    }
}
