import Coordination

/// Where a server writes the records of its partitions, and what it waits for before it acknowledges a push.
public struct PartitionLogConfiguration: Sendable, Hashable {
    /// What a record has reached when its push is acknowledged.
    public enum Sync: Sendable, Hashable {
        /// The operating system: it survives the process.
        case process
        /// The disk: it survives the machine's restart.
        case disk
    }

    /// The folder, which this server alone writes; the one above it must exist. A server that ran without it for a
    /// while must not come back to it: remove it then.
    public var folder: String
    /// What a push waits for. Default the disk.
    public var sync: Sync
    /// The most bytes of records on disk; at half of it they are replaced by a snapshot of all partitions, which is not
    /// counted. A server whose snapshots do not keep up refuses pushes with `busy` at the limit; what the coordinator
    /// has it note down, of sessions and epochs, may go beyond. Default 1 GiB.
    public var bytes = 1 << 30
    /// The most bytes of records in memory that wait to be written; at the limit pushes are refused with `busy`. A
    /// partition's gradient must fit into half of it. The same at all servers of a job: one that has less refuses to
    /// follow where records may not fit, and says so once. Default 128 MiB.
    public var waitingBytes = 128 << 20

    /// A log in `folder`.
    public init(folder: String, sync: Sync = .disk) {
        self.folder = folder
        self.sync = sync
    }

    /// The most bytes of a record.
    var recordBytes: Int { waitingBytes / 2 }

    /// The same as limits of the files.
    var limits: WriteAheadLogLimits {
        var limits = WriteAheadLogLimits()
        limits.bytes = bytes
        limits.fileBytes = min(64 << 20, bytes / 8)
        limits.recordBytes = recordBytes
        limits.backlogBytes = waitingBytes
        // A record executes on what the one before it has made.
        limits.goesOnAfterLoss = false
        return limits
    }

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        var problems: [String] = []
        if folder.isEmpty { problems.append("log.folder is empty") }
        if waitingBytes < 1 << 20 { problems.append("log.waitingBytes must be at least 1 MiB, is \(waitingBytes)") }
        if bytes < 2 * waitingBytes {
            problems.append("log.bytes must be at least twice log.waitingBytes, is \(bytes)")
        }
        return problems
    }
}
