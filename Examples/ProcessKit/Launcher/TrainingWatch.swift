import Synchronization

/// How far the slots are, over all workers that hold or held them, for whoever waits for a point of the way.
///
/// Safe to share: the steps are guarded by a mutex.
package final class TrainingWatch: Sendable {
    private let board: ProgressBoard
    private let steps = Mutex<[Int: Int]>([:])
    private let changes: AsyncStream<Void>
    private let changesContinuation: AsyncStream<Void>.Continuation

    package init(board: ProgressBoard) {
        self.board = board
        (changes, changesContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a worker's report.
    package func note(_ name: String, _ progress: RoleReport.Progress) {
        steps.withLock { $0[progress.slot] = progress.step }
        board.update(name, progress)
        changesContinuation.yield()
    }

    /// Steps that a slot has made.
    package func steps(of slot: Int) -> Int { steps.withLock { $0[slot, default: 0] } }

    private var total: Int { steps.withLock { $0.values.reduce(0, +) } }

    /// Waits until the slots have made so many steps together. One task waits at a time.
    ///
    /// - Throws: `CancellationError` when the demonstration ends first.
    package func reached(_ count: Int) async throws {
        if total >= count { return }
        for await _ in changes where total >= count { return }
        throw CancellationError()
    }

    /// Shows that a worker is gone.
    package func lose(_ name: String) { board.lose(name) }
}
