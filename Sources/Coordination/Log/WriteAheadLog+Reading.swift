package import MeshWire

extension WriteAheadLog {
    /// Gives `body` the records of the log in `folder` as ``open(_:on:limits:replaying:)`` does, and changes nothing:
    /// for a look at a log that no process goes on with, or at a copy.
    ///
    /// - Throws: ``LogFileError`` with `damaged`, `notFound`, `ioFailure`, or what `body` throws.
    package static func read(
        _ folder: String, on runtime: any Runtime, limits: WriteAheadLogLimits = WriteAheadLogLimits(),
        replaying body: (LogRecord) throws(LogFileError) -> Void
    ) async throws(LogFileError) -> LogReport {
        precondition(limits.problems.isEmpty, limits.problems.joined(separator: "; "))
        let logs = runtime.logs
        var files = LogFolder(folder, try await logs.list(folder))
        var report = LogReport()
        if let snapshot = files.snapshots.last {
            report.snapshot = snapshot.position
            try await readSnapshot(snapshot, logs, limits, mode: .reading, body)
        }
        _ = files.takeObsolete()
        guard !files.entries.isEmpty else {
            throw LogFileError(.notFound, path: folder, "there is no log in it; name the folder of one")
        }
        _ = try await readEntries(files, logs, limits, mode: .reading, &report, body) {
            (entries) async throws(LogFileError) in await entries.file.close()
        }
        return report
    }

    /// A file of entries that has been read.
    struct ReadFile {
        var path: String
        var file: any LogFile
        /// Whether no other comes after it.
        var isLast: Bool
        /// The position of the last record until here.
        var last: UInt64
        /// Where its last record is cut off.
        var torn: Int64?
    }

    /// Gives `body` the entries after the snapshot of `report`, which takes down what there is, and `finished` each
    /// file, which is that one's to close. A last file that was only being made is passed over.
    ///
    /// - Returns: the position of the last record.
    static func readEntries(
        _ files: LogFolder, _ logs: any RuntimeLogs, _ limits: WriteAheadLogLimits, mode: LogFileMode,
        _ report: inout LogReport, _ body: (LogRecord) throws(LogFileError) -> Void,
        finished: (ReadFile) async throws(LogFileError) -> Void
    ) async throws(LogFileError) -> UInt64 {
        let snapshot = report.snapshot
        var last = snapshot
        for (index, place) in files.entries.enumerated() {
            let isLast = index == files.entries.count - 1
            guard place.position == last || index == 0 && place.position <= snapshot else {
                throw LogFileError(
                    .damaged, path: place.path,
                    "the file goes on after record \(place.position), the one before it ends with \(last): a file is missing; restore it from a copy of the folder"
                )
            }
            let file = try await logs.open(place.path, mode: mode)
            let scan = LogScan(file, LogHeader(kind: .entries, position: place.position), limits)
            guard try await scan.readHeader(mayBeTorn: isLast) else {
                report.cut = LogReport.Cut(path: place.path, offset: 0, bytes: file.size)
                await file.close()
                break
            }
            last = max(last, place.position)
            var entries = 0
            let ending = try await scan.readRecords(of: .entry) { (record) throws(LogFileError) in
                last = max(last, record.position)
                guard record.position > snapshot else { return }
                entries += 1
                try body(record)
            }
            report.entries += entries
            var torn: Int64?
            if case .torn(let offset) = ending {
                guard isLast else { throw scan.damage(at: offset, "the file ends in it") }
                report.cut = LogReport.Cut(path: place.path, offset: offset, bytes: file.size - offset)
                torn = offset
            }
            try await finished(ReadFile(path: place.path, file: file, isLast: isLast, last: last, torn: torn))
        }
        return last
    }
}
