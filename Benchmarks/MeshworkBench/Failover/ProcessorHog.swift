import Foundation

/// Takes all processors from one process, as a machine with too much to do does: its threads run when no other wants to
/// (`SCHED_IDLE`), and others always do.
final class ProcessorHog: Sendable {
    private let isOver = AwakeProcessors.Flag()

    /// - Parameter process: which starves; its threads stay what they are made then, which makes no difference on a
    ///   machine that has time for them.
    init(starving process: Int32) throws {
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task").compactMap {
            Int32($0)
        }
        for task in tasks { try AwakeProcessors.yieldToOthers(thread: task) }
        for _ in 0..<2 * ProcessInfo.processInfo.activeProcessorCount {
            Thread.detachNewThread { [isOver] in
                while !isOver.isRaised {}
            }
        }
    }

    /// Leaves the processors to whoever wants them.
    func stop() { isOver.raise() }
}
