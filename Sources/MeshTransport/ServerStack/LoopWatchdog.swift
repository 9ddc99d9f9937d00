import Logging
import MeshWire
import Synchronization

/// Tells of handlers that hold an event loop for long: meanwhile no other connection of the loop is served.
///
/// It looks when a handler has let go of the loop. One that never does is seen by nobody here.
final class LoopWatchdog: Sendable {
    let runtime: any Runtime
    private let limit: Duration
    private let limitNanoseconds: Int64
    private let metrics: ServerMetrics
    private let logger: Logger
    /// By method: as many as are served.
    private let holds = Mutex<[String: LoopHolds]>([:])

    init(limit: Duration, _ runtime: any Runtime, _ metrics: ServerMetrics, _ logger: Logger) {
        self.runtime = runtime
        self.limit = limit
        limitNanoseconds = limit.inNanoseconds
        self.metrics = metrics
        self.logger = logger
    }

    /// A handler of `method` has held a loop; from any thread.
    func ran(_ method: String, _ peer: String, from start: RuntimeInstant, to end: RuntimeInstant) {
        guard start.nanoseconds(to: end) > limitNanoseconds else { return }
        let duration = start.duration(to: end)
        let report = holds.withLock { holds in
            let report = holds[method, default: LoopHolds()].held(for: duration, now: end)
            // Within the lock, so that none overtakes a longer one.
            if report.isLongest { metrics.setLongestHold(method, duration) }
            return report
        }
        metrics.loopHeld(method)
        guard report.isForTheLog else { return }
        logger.warning(
            "a handler held an event loop; let it run on the compute pool, or wait",
            metadata: [
                "method": "\(method)", "peer": "\(peer)", "duration": "\(duration)", "limit": "\(limit)",
                "unreported": "\(report.unreported)",
            ])
    }
}

/// How long the handlers of one method have held event loops, and which of the times are worth a line of the log. A state
/// machine without a clock.
struct LoopHolds {
    /// What becomes of one time.
    struct Report: Equatable {
        var isLongest: Bool
        var isForTheLog: Bool
        /// The times since the last line of the log.
        var unreported: Int
    }

    private var longest = Duration.zero
    private var lastReport: RuntimeInstant?
    private var unreported = 0

    /// A handler that is called often is to fill no log.
    private static let reportInterval = Duration.seconds(60)

    /// A handler has held a loop for `duration`.
    mutating func held(for duration: Duration, now: RuntimeInstant) -> Report {
        let isLongest = duration > longest
        longest = max(longest, duration)
        if let lastReport, lastReport.duration(to: now) < Self.reportInterval {
            unreported += 1
            return Report(isLongest: isLongest, isForTheLog: false, unreported: unreported)
        }
        defer { unreported = 0 }
        lastReport = now
        return Report(isLongest: isLongest, isForTheLog: true, unreported: unreported)
    }
}
