import Coordination
import Identity
import MeshWire
import NIOCore
import Optimizers
import Tensor

/// A partition in a checkpoint: a safetensors file with the parameters and the optimizer's slots under their names,
/// which other programs read too; of a row table, with the columns of its rows (``RowColumn``). What is no tensor
/// (ledger, fence, powers, counts) is in the header's metadata: to be read here as `snapshot` and `rows`, to be looked
/// at as the others.
struct PartitionFile {
    /// How many bytes are written or read at once.
    static let pieceBytes = 1 << 20
    private static let parametersName = "parameters"

    let path: String
    let name: PartitionName
    let table: TableDeclaration

    private var tensorNames: [String] { [Self.parametersName] + table.updateRule.slotNames }

    // MARK: Writing

    /// Writes a snapshot, pinned if it has rows, in place of what an interrupted attempt has left, and returns when the
    /// disk has it.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``; then the file is no whole one.
    func write(
        _ snapshot: PartitionSnapshot, on runtime: any Runtime, pace: inout WritePace
    ) async throws(ParameterServerError) -> (byteCount: Int64, checksum: UInt32) {
        let image = try snapshot.rows?.image()
        let plan: SafetensorsPlan
        var columns: [RowColumn] = []
        do throws(TensorError) {
            if let image {
                let count = image.rowCount(table.rowLayout)
                columns = try RowColumn.all(of: table, rows: count)
                plan = try SafetensorsPlan(
                    columns.map { ($0.name, $0.type) }, metadata(of: snapshot, rows: (image, count)))
            } else {
                plan = try SafetensorsPlan(
                    zip(tensorNames, snapshot.tensors).map { ($0, $1.type) }, metadata(of: snapshot))
            }
        } catch {
            throw ParameterServerError(.checkpointFailed, "\(path), partition \(name): \(error.message)", cause: error)
        }
        do throws(LogFileError) {
            let file = try await runtime.logs.open(path, mode: .createIfAbsent)
            do throws(LogFileError) {
                try await file.truncate(to: 0)
                var checksum = CRC32C()
                let head = ByteBuffer(bytes: plan.head)
                checksum.append(head.readableBytesView)
                try await file.append([head])
                try await pace.wrote(head.readableBytes, path, on: runtime)
                for place in plan.order {
                    let pieces =
                        if let image {
                            AnySequence(image.pieces(of: columns[place].part, table.rowLayout))
                        } else {
                            AnySequence(Segment(snapshot.tensors[place]).pieces(ofAtMost: Self.pieceBytes))
                        }
                    for piece in pieces {
                        checksum.append(piece.readableBytesView)
                        try await file.append([piece])
                        try await pace.wrote(piece.readableBytes, path, on: runtime)
                    }
                }
                try await file.sync()
                let byteCount = file.size
                await file.close()
                return (byteCount, checksum.value)
            } catch {
                await file.close()
                throw error
            }
        } catch {
            throw ParameterServerError(writing: error)
        }
    }

    private func metadata(
        of snapshot: PartitionSnapshot, rows: (image: RowImage, count: Int)? = nil
    ) -> [String: String] {
        var metadata = [
            "snapshot": Base64URL.encode(snapshot.head.messageBytes()), "table": name.table, "index": "\(name.index)",
            "version": "\(PartitionVersion(epoch: snapshot.epoch, applied: snapshot.applied))",
            "step_count": "\(snapshot.stepCount)",
        ]
        if let (image, count) = rows {
            metadata["rows"] = Base64URL.encode(RowSnapshot.Head(image).messageBytes())
            metadata["row_count"] = "\(count)"
        }
        return metadata
    }

    // MARK: Reading

    /// The snapshot that the file has, checked against what the manifest says of it and what the table is.
    ///
    /// Takes memory for the file twice; the bytes of a row table's are gone through twice.
    /// - Throws: ``ParameterServerError/Code/checkpointInvalid``, which names the file and what is wrong in it, and
    ///   ``ParameterServerError/Code/checkpointFailed`` where it cannot be read.
    func read(
        _ entry: CheckpointManifest.Partition, on runtime: any Runtime
    ) async throws(ParameterServerError) -> PartitionSnapshot {
        let snapshot: PartitionSnapshot
        if table.rows == nil {
            var bytes: [UInt8] = []
            try await check(entry, on: runtime) { bytes += $0.readableBytesView }
            snapshot = try self.snapshot(in: bytes)
        } else {
            // First whether it is what was written, so that what is said of a damaged file is that.
            try await check(entry, on: runtime) { _ in }
            snapshot = try await snapshotOfRows(on: runtime)
        }
        try check(snapshot)
        for (field, found, expected) in [
            ("id", "\(snapshot.partition)", "\(entry.id)"),
            ("version", "\(snapshot.version)", "\(entry.version)"),
            ("counter", "\(snapshot.auditCounter)", "\(entry.counter)"),
        ] where found != expected {
            throw invalid("its \(field) is \(found), and the manifest's \(expected)")
        }
        return snapshot
    }

    /// Goes through the file, and whether it is what was written.
    private func check(
        _ entry: CheckpointManifest.Partition, on runtime: any Runtime, _ take: (ByteBuffer) -> Void
    ) async throws(ParameterServerError) {
        var count: Int64 = 0
        var checksum = CRC32C()
        let size: Int64
        do throws(LogFileError) {
            let file = try await runtime.logs.open(path, mode: .reading)
            size = file.size
            // A file of another length is not read: it may have any.
            while size == entry.byteCount, count < size {
                let piece = try await file.read(count..<min(count + Int64(Self.pieceBytes), size))
                guard piece.readableBytes > 0 else { break }
                checksum.append(piece.readableBytesView)
                count += Int64(piece.readableBytes)
                take(piece)
            }
            await file.close()
        } catch {
            throw ParameterServerError(reading: error)
        }
        guard size == entry.byteCount, count == size else {
            throw invalid("it has \(size) bytes, and was written with \(entry.byteCount) bytes")
        }
        guard checksum.value == entry.checksum else {
            throw invalid("its \(count) bytes are not those that were written: their CRC32C is another one")
        }
    }

    /// What the bytes of a dense table's file have.
    func snapshot(in bytes: [UInt8]) throws(ParameterServerError) -> PartitionSnapshot {
        let metadata: [String: String]
        let tensors: NamedTensors
        do throws(TensorError) {
            metadata = try Safetensors.metadata(in: bytes, source: path)
            tensors = try Safetensors.decode(bytes, source: path)
        } catch {
            throw invalid(error.message)
        }
        try checkName(in: metadata)
        guard tensors.names.sorted() == tensorNames.sorted() else {
            throw invalid("it has the tensors \(tensors.names), and \(table.updateRule.kind) has \(tensorNames)")
        }
        return try snapshot(metadata, tensorNames.compactMap { tensors[$0] })
    }

    /// Whether a file is of this partition.
    func checkName(in metadata: [String: String]) throws(ParameterServerError) {
        guard metadata["table"] == name.table, metadata["index"] == "\(name.index)" else {
            throw invalid(
                "it is of partition \(metadata["index"] ?? "?") of table \(metadata["table"] ?? "?"), not of \(name)")
        }
    }

    /// A snapshot of what a file's metadata have, of tensors and of rows.
    func snapshot(
        _ metadata: [String: String], _ tensors: [AnyTensor], rows: RowSnapshot? = nil
    ) throws(ParameterServerError) -> PartitionSnapshot {
        guard let head = metadata["snapshot"].flatMap({ Base64URL.decode($0.utf8) }) else {
            throw invalid("its metadata have no snapshot")
        }
        do throws(WireError) {
            return try PartitionSnapshot(PartitionSnapshot.Head(messageBytes: head), tensors, rows: rows)
        } catch {
            throw invalid("its snapshot cannot be read: \(error.message)")
        }
    }

    /// Whether a snapshot is one of the partition that can be gone back to.
    func check(_ snapshot: PartitionSnapshot) throws(ParameterServerError) {
        do throws(ParameterServerError) {
            _ = try PartitionState(
                snapshot, id: snapshot.partition, name: name, of: table, epoch: snapshot.epoch,
                intactSince: snapshot.intactSince, limits: PushLedger.Limits())
        } catch {
            throw invalid(error.message)
        }
    }

    func invalid(_ reason: String) -> ParameterServerError {
        ParameterServerError(
            .checkpointInvalid,
            "\(path): \(reason); restore the file from a copy, or go back to another checkpoint")
    }
}

extension Segment {
    /// Copies of the bytes, one made when the one before has gone to a file.
    func pieces(ofAtMost limit: Int) -> some Sequence<ByteBuffer> {
        stride(from: 0, to: count, by: limit).lazy.map { start in
            var piece = ByteBuffer()
            write(start..<Swift.min(start + limit, count), to: &piece)
            return piece
        }
    }
}

extension PartitionSnapshot {
    /// The version that it is of.
    var version: PartitionVersion { PartitionVersion(epoch: epoch, applied: applied) }

    /// What each session that may push had applied.
    var livingSessions: [CheckpointManifest.Session] {
        let applied = Dictionary(accounts.map { ($0.session, $0.account.applied) }) { first, _ in first }
        return fence.entries.filter { !$0.hasEnded }.map {
            CheckpointManifest.Session(
                session: $0.session, slot: $0.slot, applied: applied[$0.session] ?? SequenceSet())
        }
    }
}

/// How fast a checkpoint is written.
struct WritePace {
    private let bytesPerSecond: Int
    private let began: RuntimeInstant
    private var bytes = 0

    init(bytesPerSecond: Int, from began: RuntimeInstant) {
        self.bytesPerSecond = bytesPerSecond
        self.began = began
    }

    /// Waits until so many bytes more may have been written.
    ///
    /// - Throws: ``/MeshWire/LogFileError`` when the task is cancelled: nobody waits for the file any more.
    mutating func wrote(_ count: Int, _ path: String, on runtime: any Runtime) async throws(LogFileError) {
        bytes += count
        let due = began.advanced(by: .nanoseconds(Int64(Double(bytes) / Double(bytesPerSecond) * 1e9)))
        do {
            try Task.checkCancellation()
            if due > runtime.now { try await runtime.sleep(until: due) }
        } catch {
            throw LogFileError(.closed, path: path, "whoever asked for the checkpoint waits for it no more")
        }
    }
}

extension ParameterServerError {
    /// A checkpoint's file could not be written.
    init(writing error: LogFileError) {
        self.init(
            .checkpointFailed,
            "\(error.path): \(error.message); the checkpoints that were there are whole: make room or give the folder to this user, then write the checkpoint again",
            cause: error)
    }

    /// A checkpoint's file could not be read.
    init(reading error: LogFileError) {
        switch error.code {
        case .notFound:
            self.init(
                .checkpointInvalid,
                "\(error.path) is missing; restore the file from a copy, or go back to another checkpoint", cause: error
            )
        default: self.init(.checkpointFailed, "\(error.path): \(error.message)", cause: error)
        }
    }
}
