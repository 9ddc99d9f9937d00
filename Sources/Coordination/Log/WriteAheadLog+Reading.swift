package import MeshWire

extension WriteAheadLog {
    /// Gives `body` the records of the log in `folder` as ``open(_:on:limits:replaying:)`` does, and changes nothing: for a look
    /// at a log that no process goes on with, or at a copy.
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
        var last = report.snapshot
        for (index, place) in files.entries.enumerated() {
            let isLast = index == files.entries.count - 1
            guard place.position == last || index == 0 && place.position <= report.snapshot else {
                throw LogFileError(
                    .damaged, path: place.path,
                    "the file goes on after record \(place.position), the one before it ends with \(last): a file is missing"
                )
            }
            let file = try await logs.open(place.path, mode: .reading)
            let scan = LogScan(file, LogHeader(kind: .entries, position: place.position), limits)
            guard try await scan.readHeader(mayBeTorn: isLast) else {
                report.cut = LogReport.Cut(path: place.path, offset: 0, bytes: file.size)
                break
            }
            last = max(last, place.position)
            let snapshot = report.snapshot
            let ending = try await scan.readRecords(of: .entry) { (record) throws(LogFileError) in
                last = max(last, record.position)
                guard record.position > snapshot else { return }
                report.entries += 1
                try body(record)
            }
            if case .torn(let offset) = ending {
                guard isLast else { throw scan.damage(at: offset, "the file ends in it") }
                report.cut = LogReport.Cut(path: place.path, offset: offset, bytes: file.size - offset)
            }
            await file.close()
        }
        return report
    }
}
