/// How large a write-ahead log may become.
package struct WriteAheadLogLimits: Sendable, Hashable {
    /// The bytes after which a file is closed and the next begun. Compaction removes whole files. Default 4 MiB.
    package var fileBytes = 4 << 20
    /// The most bytes of all files of entries together; an append beyond is refused until a compaction has made room.
    /// Snapshots are not counted. Default 64 MiB.
    package var bytes = 64 << 20
    /// The most bytes of one record's payload. Default 1 MiB.
    package var recordBytes = 1 << 20
    /// The most bytes that are appended and not written yet. Default 8 MiB.
    package var backlogBytes = 8 << 20

    /// The most who wait for records at a time. Default 16,384.
    package var waits = 16_384

    /// Whether the log goes on after records that could not be written, as on a full disk. Where each record builds on the
    /// one before it must not: one that came meanwhile would be kept without those that were lost. Default true.
    package var goesOnAfterLoss = true

    package init() {}

    /// What is out of range; empty where nothing is.
    package var problems: [String] {
        var problems: [String] = []
        for (name, count) in [
            ("fileBytes", fileBytes), ("bytes", bytes), ("recordBytes", recordBytes), ("backlogBytes", backlogBytes),
            ("waits", waits),
        ] where count < 1 {
            problems.append("\(name) must be at least 1, is \(count)")
        }
        if bytes / 2 < fileBytes { problems.append("bytes must be at least twice fileBytes, is \(bytes)") }
        if recordBytes >= Int(UInt32.max) { problems.append("recordBytes must be below 4 GiB, is \(recordBytes)") }
        if backlogBytes - LogRecord.overhead < recordBytes {
            problems.append("backlogBytes must have room for a record, is \(backlogBytes)")
        }
        return problems
    }
}
