package import MeshWire
import NIOCore

/// What a log held when it was opened.
package struct LogReport: Sendable, Hashable {
    /// A record that a crash had cut off, and that was removed. Nobody had been told that it was synced.
    package struct Cut: Sendable, Hashable {
        /// The file.
        package var path: String
        /// Where the record began.
        package var offset: Int64
        /// The bytes that were removed.
        package var bytes: Int64
    }

    /// The position that the snapshot stands for; 0 without one.
    package var snapshot: UInt64 = 0
    /// The entries after the snapshot.
    package var entries = 0
    /// What was cut off.
    package var cut: Cut?
}

extension WriteAheadLog {
    /// Opens the log in `folder`, which is made if there is none, and gives `body` its records in order: those of the
    /// snapshot, then the entries after it.
    ///
    /// Memory is bounded by a piece of a file and a record.
    ///
    /// - Throws: ``LogFileError`` with `inUse` if another process has the log open, `damaged` with the file and the
    ///   byte where something is not what was written, `diskFull`, `ioFailure`, or what `body` throws.
    package static func open(
        _ folder: String, on runtime: any Runtime, limits: WriteAheadLogLimits = WriteAheadLogLimits(),
        replaying body: (LogRecord) throws(LogFileError) -> Void
    ) async throws(LogFileError) -> (log: WriteAheadLog, report: LogReport) {
        precondition(limits.problems.isEmpty, limits.problems.joined(separator: "; "))
        let logs = runtime.logs
        _ = try await logs.list(folder)
        let lock = try await logs.open(folder + "/lock", mode: .createIfAbsent)
        var files = LogFolder(folder, try await logs.list(folder))
        for path in files.unfinished { try await logs.remove(path) }
        var report = LogReport()
        if let snapshot = files.snapshots.last {
            report.snapshot = snapshot.position
            try await readSnapshot(snapshot, logs, limits, body)
        }
        // A crash may have come between a snapshot's name and the removal of what it stands for.
        for path in files.takeObsolete() { try await logs.remove(path) }
        guard report.snapshot == 0 || !files.entries.isEmpty else {
            throw LogFileError(
                .damaged, path: folder,
                "there is a snapshot and no file of entries, of which a log has one at least; restore the folder from a copy"
            )
        }
        var full: [FullFile] = []
        var open: OpenFile?
        // A file that was being made when the machine stopped is made again in its place.
        let last = try await readEntries(files, logs, limits, mode: .existing, &report, body) {
            (entries) async throws(LogFileError) in
            if let torn = entries.torn { try await entries.file.truncate(to: torn) }
            if entries.isLast {
                // What a process that was killed has written is durable before anybody is told of it.
                try await entries.file.sync()
                open = OpenFile(file: entries.file, bytes: entries.file.size)
            } else {
                full.append(FullFile(path: entries.path, last: entries.last, bytes: entries.file.size))
                await entries.file.close()
            }
        }
        let opened: OpenFile = if let open { open } else { try await makeFile(in: folder, after: last, on: runtime) }
        let log = WriteAheadLog(folder, runtime, limits, lock: lock, full: full, open: opened, last: last)
        return (log, report)
    }

    /// Makes a file for the entries after `position`, in place of one whose making was interrupted.
    static func makeFile(
        in folder: String, after position: UInt64, on runtime: any Runtime
    ) async throws(LogFileError) -> OpenFile {
        let file = try await runtime.logs.open(LogFolder.entries(in: folder, after: position), mode: .createIfAbsent)
        try await file.truncate(to: 0)
        var header = ByteBuffer()
        LogHeader(kind: .entries, position: position).encode(to: &header)
        try await file.append([header])
        try await file.sync()
        return OpenFile(file: file, bytes: file.size)
    }

    static func readSnapshot(
        _ place: LogFolder.Place, _ logs: any RuntimeLogs, _ limits: WriteAheadLogLimits,
        mode: LogFileMode = .existing, _ body: (LogRecord) throws(LogFileError) -> Void
    ) async throws(LogFileError) {
        let file = try await logs.open(place.path, mode: mode)
        let scan = LogScan(file, LogHeader(kind: .snapshot, position: place.position), limits)
        _ = try await scan.readHeader(mayBeTorn: false)
        var isComplete = false
        let ending = try await scan.readRecords(of: .snapshot) { (record) throws(LogFileError) in
            if record.kind == .end { isComplete = true } else { try body(record) }
        }
        guard ending == .whole, isComplete else { throw scan.damage(at: file.size, "the snapshot has no end") }
        await file.close()
    }
}
