import Foundation
import Synchronization

/// Keeps the machine's processors from sleeping while something is measured.
///
/// Between two messages of one call at a time every processor has nothing to do and sleeps. What waking it up takes, on
/// a virtual machine tens of microseconds that its host decides, would be most of the latency and all of its scatter. A
/// thread a processor runs when nothing else does (`SCHED_IDLE`), and gives way at once to what wakes up.
enum AwakeProcessors {
    /// `SCHED_IDLE` of `sched(7)`, which the C library keeps behind `_GNU_SOURCE`.
    private static let idlePolicy: Int32 = 5

    static func with(_ body: () async throws -> Void) async throws {
        let isOver = Flag()
        defer { isOver.raise() }
        for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
            Thread.detachNewThread {
                guard (try? yieldToOthers(thread: 0)) != nil else { return }
                while !isOver.isRaised {}
            }
        }
        try await body()
    }

    /// Has a thread run when no other wants to; 0 is the calling one.
    static func yieldToOthers(thread: Int32) throws {
        var parameters = sched_param()
        // Safe: the structure outlives the call.
        guard unsafe sched_setscheduler(thread, idlePolicy, &parameters) == 0 else {
            throw BenchmarkFailure("the scheduler's policy of thread \(thread) cannot be changed: error \(errno)")
        }
    }

    /// Raised by one thread and looked at by others.
    final class Flag: Sendable {
        private let raised = Atomic(false)

        var isRaised: Bool { raised.load(ordering: .relaxed) }

        func raise() { raised.store(true, ordering: .relaxed) }
    }
}
