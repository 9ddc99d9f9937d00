import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// How a server makes ready to leave.
extension HostedPartitions {
    /// Has the followers of what this server heads able to go on: waits for those that are to join, takes no more
    /// pushes, and waits until followers and log have all that was executed. Pushes that come meanwhile are refused and
    /// go to the new head.
    ///
    /// - Returns: the partitions that nobody else has, in the order of their numbers.
    /// - Throws: ``ParameterServerError`` with `unconfirmed` at the deadline or `logFailed`: followers have all that
    ///   was acknowledged, as ever, but not all that was executed.
    func prepareHandOver(until deadline: RuntimeInstant) async throws(ParameterServerError) -> [PartitionName] {
        while true {
            await followersHaveJoined(until: deadline)
            let partitions = headed
            for partition in partitions { partition.pause(true) }
            let followed = partitions.filter(\.isFollowed)
            try await confirmed(until: deadline)
            // One that was lost meanwhile is replaced first.
            guard coordination.mesh.runtime.now < deadline, followed.contains(where: { !$0.isFollowed }) else {
                return partitions.filter { $0.isHead && !$0.isFollowed }.map(\.name)
            }
            for partition in partitions { partition.pause(false) }
        }
    }

    /// Waits until every partition that this server heads has a follower, where one is to join; pushes go on.
    private func followersHaveJoined(until deadline: RuntimeInstant) async {
        let runtime = coordination.mesh.runtime
        while runtime.now < deadline, let map = state.withLock({ $0.map }),
            map.living.contains(where: { $0.name != server }),
            map.tables.contains(where: { table in
                table.replicas > 0 && table.partitions.contains { $0.head == server && $0.followers.isEmpty }
            })
        {
            guard (try? await runtime.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }
}

extension Partition {
    /// Whether another server has all that was acknowledged.
    fileprivate var isFollowed: Bool { chain.withLock { ($0.place?.followers ?? 0) > 0 } }
}
