import Coordination
import MeshTransport
import MeshWire
import Tensor

extension ParameterCheckpoints {
    /// Declares tables that do not exist yet, and has them begin with the values of a safetensors file: one that
    /// ``ParameterReader/export(_:to:)`` or ``export(_:step:to:)`` wrote, or any other program. A row table begins with
    /// the rows of a tensor of its name, `[rows, rowWidth]`, whose keys are those of `name.keys`, uint64 or int64
    /// `[rows]`; they count as pushed when the table began.
    ///
    /// The file becomes a checkpoint of its own in the folder, with optimizers that have taken no step, and that is
    /// restored. Tensors of the file that no table is named as are left alone.
    /// - Parameters:
    ///   - path: the file, read here.
    ///   - step: the checkpoint's.
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid`, which names every tensor that is missing, of
    ///   another shape or element type, or not finite; `checkpointFailed` for a table that exists, and as
    ///   ``write(step:progress:)`` and ``restore(step:progress:)`` do.
    @discardableResult
    public func warmStart(
        _ tables: [TableDeclaration], from path: String, step: UInt64 = 0
    ) async throws(ParameterServerError) -> RollBackReport {
        let starts = try TableStart.all(of: tables, in: path)
        let map = try await map()
        if let known = tables.first(where: { map.table(named: $0.name) != nil }) {
            throw ParameterServerError(
                .checkpointFailed,
                "table \(known.name) exists, and a warm start is for new ones: restore a checkpoint, or choose another name"
            )
        }
        let version = map.version
        try await folder.locked { () throws(ParameterServerError) in
            try await begin(step)
            var written: [CheckpointManifest.Table] = []
            for (index, (table, start)) in zip(tables, starts).enumerated() {
                written.append(try await write(table, start, as: index, step: step))
            }
            try await finish(CheckpointManifest(job: job, step: step, mapVersion: version, tables: written))
        }
        return try await restore(step: step)
    }

    /// Writes the files of a table that has these values and has taken no step.
    private func write(
        _ table: TableDeclaration, _ start: TableStart, as place: Int, step: UInt64
    ) async throws(ParameterServerError) -> CheckpointManifest.Table {
        let runtime = coordination.mesh.runtime
        // It has the disk to itself.
        var pace = WritePace(bytesPerSecond: .max, from: runtime.now)
        var written: [CheckpointManifest.Partition] = []
        for index in 0..<table.partitionCount {
            let name = PartitionName(table: table.name, index: index)
            let snapshot: PartitionSnapshot
            do throws(TensorError) {
                snapshot = try start.snapshot(of: table, partition: index)
            } catch {
                throw ParameterServerError(.checkpointFailed, "partition \(name): \(error)", cause: error)
            }
            let file = CheckpointFolder.fileName(
                step: step, table: place, partition: index, epoch: snapshot.epoch)
            let path = "\(folder.path)/\(file)"
            let (byteCount, checksum) = try await PartitionFile(path: path, name: name, table: table)
                .write(snapshot, on: runtime, pace: &pace)
            written.append(
                CheckpointManifest.Partition(
                    id: snapshot.partition, version: snapshot.version, counter: 0, byteCount: byteCount,
                    checksum: checksum, sessions: []))
        }
        return CheckpointManifest.Table(declaration: table, partitions: written)
    }
}
