import Synchronization

/// Lets tasks through one at a time, in the order in which they came. Waiting suspends the task, never its thread.
///
/// Safe to use from any task: the line is guarded by a mutex that is held for a few instructions.
final class TurnQueue: Sendable {
    private struct Line {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
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

    /// Waits for the turn; whoever has it gives it on with ``pass()``. A wait is not cut short by cancellation: the
    /// turns before it are bounded in number and length.
    ///
    /// - Returns: false, at once, if too many wait.
    func take() async -> Bool { await take(ifFewerWaitThan: limit) }

    /// Waits for the turn however many wait: for those whose number is bounded elsewhere and who must not be refused.
    func takeWithoutLimit() async { _ = await take(ifFewerWaitThan: .max) }

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
                line.waiting.append(continuation)
                return .waiting
            }
            if place != .waiting { continuation.resume() }
        }
        return place != .refused
    }

    /// Gives the turn to the next in line.
    func pass() {
        let next: CheckedContinuation<Void, Never>? = line.withLock { line in
            guard line.waiting.isEmpty else { return line.waiting.removeFirst() }
            line.isTaken = false
            return nil
        }
        next?.resume()
    }
}
