import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization
import Telemetry

/// The snapshots that a server keeps for readers: partitions as they were when every server of their chain had them so.
///
/// One request at a time takes partitions, so that beside what is counted no more is held than one request's. Safe to
/// use from any task: guarded by a mutex, which is not held across a wait.
final class ServerSnapshots: Sendable {
    /// How many requests may wait to take partitions.
    private static let waitingLimit = 16

    private let longestLease: Duration
    private let hosted: HostedPartitions
    private let runtime: any Runtime
    private let meter: SnapshotMeter
    private let turns = TurnQueue(limit: waitingLimit)
    private let table: Mutex<SnapshotTable>

    init(_ configuration: SnapshotConfiguration, _ hosted: HostedPartitions, on mesh: Mesh) {
        longestLease = configuration.longestLease
        self.hosted = hosted
        runtime = mesh.runtime
        meter = SnapshotMeter(mesh.metrics, configuration)
        table = Mutex(SnapshotTable(configuration))
    }

    /// What a snapshot has of a partition.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotRevoked``.
    func kept(_ partition: PartitionID, in key: SnapshotTable.Key) throws(ParameterServerError) -> KeptPartition {
        let now = runtime.now
        guard let kept = table.withLock({ $0.kept(partition, in: key, at: now) }) else { throw gone(key, partition) }
        return kept
    }

    /// Keeps partitions as they are, once what they are is committed.
    ///
    /// - Throws: ``ParameterServerError`` with `snapshotTooLarge`, `busy`, `unconfirmed`, `notRegistered`,
    ///   `logFailed` or what ``HostedPartitions/partition(_:)`` throws. What the snapshot had before it still has.
    func keep(
        _ partitions: [Partition], in key: SnapshotTable.Key, lease: Duration, until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> SnapshotResponse {
        guard await turns.take(until: deadline, on: runtime) else {
            throw ParameterServerError(
                .busy, "too many requests for snapshots wait, at most \(Self.waitingLimit), or for too long")
        }
        defer { turns.pass() }
        var taken: [(Partition, KeptPartition, Partition.Mark)] = []
        for partition in partitions {
            // A copy of the request is answered with what the first has taken.
            let now = runtime.now
            if let kept = table.withLock({ $0.kept(partition.id, in: key, at: now) }) {
                taken.append((partition, kept, Partition.Mark(recorded: 0, logged: 0)))
                continue
            }
            guard let (kept, mark) = await partition.keep() else {
                throw ParameterServerError(.busy, "partition \(partition.name): too many pulls wait")
            }
            taken.append((partition, kept, mark))
        }
        for (partition, _, mark) in taken where mark.recorded > 0 {
            let (reason, blocker) = partition.safety()
            let subject = WaitBook.Subject(
                reason: reason, waiter: .snapshot, blocker: blocker, partition: partition.name, peer: key.owner)
            try await hosted.waits.during(subject, on: runtime) { () async throws(ParameterServerError) in
                try await partition.settled(mark, until: deadline, on: runtime)
            }
        }
        let lease = granted(lease)
        let expiry = runtime.now.advanced(by: lease)
        let (kept, revoked) = try changing { (table) throws(ParameterServerError) in
            try table.keep(taken.map(\.1), in: key, until: expiry)
        }
        // Given back here, and not while the mutex is held: it may be much memory.
        extendLifetime(revoked.partitions)
        meter.ended(.revoked, revoked.count)
        return SnapshotResponse(
            kept.map { SnapshotResponse.Entry(partition: $0.id, version: $0.version) }, lease: lease)
    }

    /// Keeps a snapshot for another lease.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotRevoked``.
    func renew(
        _ partitions: [PartitionID], in key: SnapshotTable.Key, lease: Duration
    ) throws(ParameterServerError) -> SnapshotResponse {
        let lease = granted(lease)
        var entries: [SnapshotResponse.Entry] = []
        for partition in partitions {
            entries.append(
                SnapshotResponse.Entry(partition: partition, version: try kept(partition, in: key).version))
        }
        let expiry = runtime.now.advanced(by: lease)
        guard table.withLock({ $0.renew(key, until: expiry) }) else { throw gone(key, partitions.first) }
        return SnapshotResponse(entries, lease: lease)
    }

    /// Lets go of a snapshot, if it is there.
    func release(_ partitions: [PartitionID], in key: SnapshotTable.Key) -> SnapshotResponse {
        let released = changing { table in table.release(key) }
        extendLifetime(released)
        meter.ended(.released, released == nil ? 0 : 1)
        return SnapshotResponse(
            partitions.map {
                SnapshotResponse.Entry(partition: $0, version: PartitionVersion(epoch: 0, applied: 0))
            }, lease: .zero)
    }

    /// Lets go of those whose lease is over: what a reader that died has left takes memory until then.
    func expire() {
        let now = runtime.now
        let expired = changing { table in table.expire(now) }
        extendLifetime(expired.partitions)
        meter.ended(.expired, expired.count)
    }

    private func changing<Result, Failure: Error>(
        _ body: (inout SnapshotTable) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try table.withLock { (table) throws(Failure) in
            defer { meter.keeps(table) }
            return try body(&table)
        }
    }

    private func granted(_ lease: Duration) -> Duration { min(max(lease, .seconds(1)), longestLease) }

    private func gone(_ key: SnapshotTable.Key, _ partition: PartitionID?) -> ParameterServerError {
        ParameterServerError(
            .snapshotRevoked,
            "server \(hosted.server) keeps no partition \(partition?.description ?? "") in snapshot \(String(key.number, radix: 16)): its lease is over, it made way for others, or another server headed the partition then; take another"
        )
    }
}
