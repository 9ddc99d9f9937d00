package import MeshWire
package import NIOCore

/// Writes the records of a snapshot, one after the other.
package struct LogSnapshotWriter: ~Copyable {
    private let file: any LogFile
    private let recordBytes: Int
    private var count: UInt64 = 0

    fileprivate init(_ file: any LogFile, recordBytes: Int) {
        self.file = file
        self.recordBytes = recordBytes
    }

    /// Writes a record.
    ///
    /// - Throws: ``LogFileError`` with `limitReached` for one that is too large, `diskFull` or `ioFailure`.
    package mutating func append(_ payload: ByteBuffer) async throws(LogFileError) {
        guard payload.readableBytes <= recordBytes else {
            throw LogFileError(
                .limitReached, path: file.path,
                "a snapshot's record has \(payload.readableBytes) bytes, the limit is \(recordBytes)")
        }
        try await append(.snapshot, payload)
    }

    fileprivate mutating func finish() async throws(LogFileError) { try await append(.end, ByteBuffer()) }

    private mutating func append(_ kind: LogRecord.Kind, _ payload: ByteBuffer) async throws(LogFileError) {
        count += 1
        var bytes = ByteBuffer()
        LogRecord(kind: kind, position: count, payload: payload).encode(to: &bytes)
        try await file.append([bytes])
    }
}

extension WriteAheadLog {
    /// Replaces the entries through `position`, which is written, by a snapshot, which `body` writes. Appending goes on
    /// meanwhile.
    ///
    /// The snapshot is written beside the log, synced, and given its name; then the files are removed that hold nothing
    /// else. A crash at any moment leaves the old entries or the snapshot. When it throws, the log is as before.
    ///
    /// - Returns: false if the log is being compacted already; then nothing is done.
    /// - Throws: ``LogFileError`` with `diskFull`, `ioFailure`, `closed`, or what `body` throws.
    @discardableResult
    package func compact(
        through position: UInt64, _ body: (inout LogSnapshotWriter) async throws(LogFileError) -> Void
    ) async throws(LogFileError) -> Bool {
        guard try beginCompaction(through: position) else { return false }
        defer { endCompaction() }
        let logs = runtime.logs
        let path = LogFolder.snapshot(in: folder, of: position)
        let temporary = path + LogFolder.newSuffix
        do throws(LogFileError) {
            try await writeSnapshot(of: position, at: temporary, body)
            try await logs.rename(temporary, to: path)
        } catch {
            // Where the disk is full, what was written of the snapshot takes room from the log; what cannot be removed
            // now is when the log is opened.
            try? await logs.remove(temporary)
            throw error
        }
        let earlier = LogFolder(folder, try await logs.list(folder)).snapshots.filter { $0.position < position }
        for place in earlier { try await logs.remove(place.path) }
        for path in takeFiles(through: position) { try await logs.remove(path) }
        return true
    }

    private func writeSnapshot(
        of position: UInt64, at path: String, _ body: (inout LogSnapshotWriter) async throws(LogFileError) -> Void
    ) async throws(LogFileError) {
        let file = try await runtime.logs.open(path, mode: .createIfAbsent)
        do throws(LogFileError) {
            try await file.truncate(to: 0)
            var header = ByteBuffer()
            LogHeader(kind: .snapshot, position: position).encode(to: &header)
            try await file.append([header])
            var writer = LogSnapshotWriter(file, recordBytes: limits.recordBytes)
            try await body(&writer)
            try await writer.finish()
            try await file.sync()
        } catch {
            await file.close()
            throw error
        }
        await file.close()
    }
}
