import Coordination
import MeshWire

/// A server's part in checkpoints: it writes the partitions that it heads, one after the other from snapshots while
/// they go on, and has them go back.
///
/// One request at a time, so that beside a partition's parameters no more is in memory than its snapshot, or the file
/// that it goes back to. Safe to use from any task: the turns are a queue's.
final class ServerCheckpoints: Sendable {
    /// How many requests may wait: one that its asker has given up ends soon.
    private static let waitingLimit = 16

    private let folder: CheckpointFolder
    private let bytesPerSecond: Int
    private let hosted: HostedPartitions
    private let runtime: any Runtime
    private let turns = TurnQueue(limit: waitingLimit)

    init(_ configuration: CheckpointConfiguration, _ hosted: HostedPartitions, on runtime: any Runtime) {
        folder = CheckpointFolder(configuration.folder, on: runtime)
        bytesPerSecond = configuration.bytesPerSecond
        self.hosted = hosted
        self.runtime = runtime
    }

    /// Writes the files of a request. What they have is committed when this returns.
    ///
    /// - Throws: ``ParameterServerError`` with `busy`, `checkpointFailed`, `snapshotRevoked`, `logFailed`,
    ///   `unconfirmed`, `notRegistered` or what ``HostedPartitions/partition(_:)`` throws.
    func write(
        _ order: CheckpointOrder, until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> CheckpointAnswer {
        try await inTurn(until: deadline) { () throws(ParameterServerError) in
            var pace = WritePace(bytesPerSecond: bytesPerSecond, from: runtime.now)
            var written: [CheckpointManifest.Partition] = []
            for entry in order.entries {
                let partition = try await hosted.partition(entry.partition)
                let (snapshot, mark) = try await partition.snapshotToKeep()
                let file = PartitionFile(
                    path: path(of: entry, order.step, epoch: snapshot.epoch), name: partition.name,
                    table: partition.table)
                let (byteCount, checksum) = try await file.write(snapshot, on: runtime, pace: &pace)
                try await partition.settled(mark, until: deadline, on: runtime)
                written.append(
                    CheckpointManifest.Partition(
                        id: entry.partition, version: snapshot.version, counter: snapshot.auditCounter,
                        byteCount: byteCount, checksum: checksum, sessions: snapshot.livingSessions))
            }
            return CheckpointAnswer(written)
        }
    }

    /// Looks at the files of a request, or goes back to them.
    ///
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid`, `checkpointFailed`, `busy`, `coordination`,
    ///   `logFailed`, `unconfirmed` or what ``HostedPartitions/partition(_:)`` throws. Partitions that went back before
    ///   stay so.
    func restore(
        _ order: RestoreOrder, until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> RestoreAnswer {
        try await inTurn(until: deadline) { () throws(ParameterServerError) in
            var restored: [RestoredPartition] = []
            for entry in order.entries {
                let id = entry.place.partition
                let partition = try await hosted.partition(id)
                if let (answer, mark) = partition.wentBack(for: order.request) {
                    try await partition.settled(mark, until: deadline, on: runtime)
                    restored.append(answer)
                    continue
                }
                let file = PartitionFile(
                    path: path(of: entry.place, order.step, epoch: entry.file.version.epoch), name: partition.name,
                    table: partition.table)
                let snapshot = try await file.read(entry.file, on: runtime).renumbered(id)
                guard order.loads else { continue }
                let (answer, mark) = try await partition.goBack(to: snapshot, for: order.request) {
                    () throws(ParameterServerError) in try await hosted.beginEpoch(of: id)
                }
                try await partition.settled(mark, until: deadline, on: runtime)
                restored.append(answer)
            }
            return RestoreAnswer(restored)
        }
    }

    private func path(of entry: CheckpointOrder.Entry, _ step: UInt64, epoch: UInt64) -> String {
        let name = CheckpointFolder.fileName(step: step, table: entry.table, partition: entry.index, epoch: epoch)
        return "\(folder.path)/\(name)"
    }

    private func inTurn<Result>(
        until deadline: RuntimeInstant, _ body: () async throws(ParameterServerError) -> Result
    ) async throws(ParameterServerError) -> Result {
        guard await turns.take(until: deadline, on: runtime) else {
            throw ParameterServerError(
                .busy, "too many requests about checkpoints wait, at most \(Self.waitingLimit), or for too long")
        }
        defer { turns.pass() }
        return try await body()
    }
}
