import Coordination
import MeshWire
import Synchronization

/// What stands still at a server without a request that waits: heads that may not take pushes yet, followers that
/// cannot be reached, snapshots that are on their way, and chains that this server's log is too small for. Since when is known as exactly as it is looked at.
///
/// Safe to use from any task: guarded by a mutex.
final class ServerConditions: Sendable {
    private struct Condition: Hashable {
        var partition: PartitionID
        var reason: StallReport.Reason
        var blocker: String
    }

    private struct Known {
        var since: RuntimeInstant
        var isTold = false
    }

    private let hosted: HostedPartitions
    private let known = Mutex<[Condition: Known]>([:])

    init(_ hosted: HostedPartitions) { self.hosted = hosted }

    /// What stands still now.
    func waits(_ now: RuntimeInstant) -> [StallReport.Wait] {
        looking(now).map { wait($0.condition, $0.name, $0.progress, $0.known.since.duration(to: now)) }
    }

    /// What has stood still for `threshold` or longer, each once.
    func takeLong(_ now: RuntimeInstant, threshold: Duration) -> [StallReport.Wait] {
        looking(now).filter { !$0.known.isTold && $0.known.since.duration(to: now) >= threshold }.map { found in
            known.withLock { $0[found.condition]?.isTold = true }
            return wait(found.condition, found.name, found.progress, found.known.since.duration(to: now))
        }
    }

    private func wait(
        _ condition: Condition, _ name: PartitionName, _ progress: String, _ duration: Duration
    ) -> StallReport.Wait {
        StallReport.Wait(
            reason: condition.reason, waiter: "server \(hosted.server)", blocker: condition.blocker + progress,
            partition: name, duration: duration)
    }

    private func looking(
        _ now: RuntimeInstant
    ) -> [(condition: Condition, name: PartitionName, progress: String, known: Known)] {
        let found =
            hosted.all.flatMap { partition in
                partition.conditions.map { found in
                    let condition = Condition(partition: partition.id, reason: found.reason, blocker: found.blocker)
                    return (condition, partition.name, found.progress)
                }
            }
            + hosted.refusals.map { refusal in
                (Condition(partition: refusal.id, reason: .log, blocker: refusal.error.message), refusal.name, "")
            }
        return known.withLock { known in
            let present = Set(found.map(\.0))
            known = known.filter { present.contains($0.key) }
            return found.map { condition, name, progress in
                let entry = known[condition] ?? Known(since: now)
                known[condition] = entry
                return (condition, name, progress, entry)
            }
        }
    }
}

extension Partition {
    /// What stands still here.
    fileprivate var conditions: [(reason: StallReport.Reason, blocker: String, progress: String)] {
        let member = chain.withLock { $0 }
        var conditions: [(reason: StallReport.Reason, blocker: String, progress: String)] = []
        if member.isHead, !member.isOpen { conditions.append((.takeover, "the coordinator", "")) }
        guard let successor = member.place?.successor else { return conditions }
        if let seeding = member.seedingProgress {
            conditions.append(
                (.seeding, "the snapshot for server \(successor)", ", \(seeding.sent) of \(seeding.count) pieces sent"))
        } else if member.isCutOff {
            conditions.append((.chain, "follower \(successor), which cannot be reached", ""))
        }
        return conditions
    }
}
