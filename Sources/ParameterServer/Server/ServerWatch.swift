import Coordination
import Logging
import MeshTransport
import MeshWire

/// Looks at a server once in a while: lets go of what is over, says what stands still, and puts into gauges what nobody
/// counts as it happens.
final class ServerWatch: Sendable {
    private let hosted: HostedPartitions
    private let snapshots: ServerSnapshots
    private let conditions: ServerConditions
    private let gauges: ServerGauges
    private let threshold: Duration
    private let runtime: any Runtime
    private let logger: Logger

    init(_ hosted: HostedPartitions, _ snapshots: ServerSnapshots, logger: Logger) {
        self.hosted = hosted
        self.snapshots = snapshots
        self.logger = logger
        conditions = ServerConditions(hosted)
        gauges = ServerGauges(hosted)
        threshold = hosted.configuration.stallThreshold
        runtime = hosted.coordination.mesh.runtime
    }

    /// Looks every second, and at the partitions' insides every fifth time, until the task is cancelled. Computes; not
    /// for loops.
    func run() async {
        var looks = 0
        while (try? await runtime.sleep(for: .seconds(1))) != nil {
            snapshots.expire()
            tellStalls()
            if looks.isMultiple(of: 5) { look() }
            looks += 1
        }
    }

    /// Puts into gauges what is there now.
    func look() { gauges.look(stallReport()) }

    func stallReport() -> StallReport {
        let now = runtime.now
        return StallReport(hosted.waits.waits(now) + conditions.waits(now))
    }

    private func tellStalls() {
        let now = runtime.now
        let long =
            hosted.waits.takeLong(now, threshold: threshold) + conditions.takeLong(now, threshold: threshold)
        for wait in long {
            logger.warning(
                "a wait is long",
                metadata: [
                    "server": "\(hosted.server)", "for": "\(wait.reason)", "waiter": "\(wait.waiter)",
                    "blocker": "\(wait.blocker)", "partition": "\(wait.partition?.description ?? "none")",
                    "peer": "\(wait.peer ?? "none")", "session": "\(wait.session?.description ?? "none")",
                    "seconds": "\(wait.duration / .seconds(1))",
                ])
        }
    }
}
