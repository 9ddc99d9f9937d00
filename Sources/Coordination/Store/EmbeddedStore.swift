public import Logging
public import MeshWire
import NIOCore
import Synchronization

/// Keeps a coordinator's changes in a write-ahead log on this machine's disk: it survives SIGKILL and the machine's
/// crash, and not the loss of the disk.
///
/// A commit returns when the disk has it. Now and then the changes are replaced by what they add up to. One process has
/// the folder at a time.
///
/// Safe to use from any task: guarded by a mutex that is not held while the disk works.
public final class EmbeddedStore: CoordinationStore {
    private enum Phase {
        case closed
        case opening
        case open(WriteAheadLog, CoordinatorSnapshot)
        case committing
        case failed(CoordinationError)
    }

    /// Room for a change that declares a million tables, in records of ``partBytes``; versions before this one made
    /// records of up to 16 MiB.
    private var limits: WriteAheadLogLimits {
        var limits = WriteAheadLogLimits()
        limits.fileBytes = compactionBytes / 2
        limits.bytes = max(512 << 20, compactionBytes)
        limits.recordBytes = 16 << 20
        limits.backlogBytes = 32 << 20
        return limits
    }

    /// The bytes of a record from which on a change takes another one: as few as a file may have more than it should,
    /// so that a compaction leaves little behind.
    private var partBytes: Int { min(1 << 20, compactionBytes / 4) }

    private let folder: String
    private let runtime: any Runtime
    private let timeout: Duration
    private let compactionBytes: Int
    private let logger: Logger
    private let phase = Mutex(Phase.closed)

    /// A store in `folder`, which is made if there is none; the folder above it must be there.
    ///
    /// - Parameters:
    ///   - timeout: how long a commit waits for the disk before nobody knows what became of it. Default 10 s.
    public convenience init(
        folder: String, runtime: any Runtime, timeout: Duration = .seconds(10),
        logger: Logger = Logger(label: "meshwork.coordination-store")
    ) {
        self.init(folder: folder, runtime: runtime, timeout: timeout, compactionBytes: 8 << 20, logger: logger)
    }

    /// - Parameter compactionBytes: the log's size from which on it is compacted.
    package init(
        folder: String, runtime: any Runtime, timeout: Duration, compactionBytes: Int, logger: Logger
    ) {
        self.folder = folder
        self.runtime = runtime
        self.timeout = timeout
        self.compactionBytes = compactionBytes
        self.logger = logger
    }

    /// Opens the log and reads it; once it is open, answers from memory.
    ///
    /// - Throws: ``CoordinationError`` with `storeUnavailable` while another process has the folder or the disk is full,
    ///   `storeFailed` where the log is damaged: the message names the file and the byte.
    public func load() async throws(CoordinationError) -> CoordinatorSnapshot {
        let known: CoordinatorSnapshot? = try phase.withLock { (phase) throws(CoordinationError) in
            switch phase {
            case .open(_, let snapshot): return snapshot
            case .failed(let error): throw error
            case .opening, .committing: throw unavailable("it is being used by another task; load it once")
            case .closed:
                phase = .opening
                return nil
            }
        }
        if let known { return known }
        do throws(LogFileError) {
            let (log, snapshot) = try await open()
            phase.withLock { $0 = .open(log, snapshot) }
            return snapshot
        } catch {
            phase.withLock { $0 = .closed }
            throw CoordinationError(error.code == .damaged ? .storeFailed : .storeUnavailable, "\(error)", cause: error)
        }
    }

    /// Keeps a change.
    public func commit(_ change: CoordinatorChange, ifVersion version: UInt64) async throws(CoordinationError) {
        var (log, snapshot) = try begin(ifVersion: version)
        let deadline = runtime.now.advanced(by: timeout)
        var position: UInt64 = 0
        do throws(LogFileError) {
            for part in ChangeParts(change, bytes: partBytes) {
                position = try log.append(Payload(part).head)
                // The log holds little that is not written. A change whose last part is not there has not happened.
                if part.isContinued { try await log.written(through: position, until: deadline) }
            }
        } catch {
            end(.open(log, snapshot))
            throw unavailable("\(error)", cause: error)
        }
        do throws(LogFileError) {
            try await log.synced(through: position, until: deadline)
        } catch {
            guard error.code == .diskFull else {
                let failure = CoordinationError(
                    .storeFailed,
                    "it is not known whether change \(change.version) was kept in \(folder); restart the coordinator",
                    cause: error)
                end(.failed(failure))
                throw failure
            }
            end(.open(log, snapshot))
            throw unavailable("\(error)", cause: error)
        }
        snapshot.apply(change)
        end(.open(log, snapshot))
        await compact(log, snapshot, at: position)
    }

    /// Lets go of the folder.
    public func close() async {
        let log: WriteAheadLog? = phase.withLock { phase in
            guard case .open(let log, _) = phase else { return nil }
            phase = .closed
            return log
        }
        await log?.close()
    }

    private func begin(ifVersion version: UInt64) throws(CoordinationError) -> (WriteAheadLog, CoordinatorSnapshot) {
        try phase.withLock { (phase) throws(CoordinationError) in
            switch phase {
            case .closed, .opening: throw unavailable("it has not been loaded")
            case .committing:
                throw CoordinationError(.versionConflict, "another change is being committed after version \(version)")
            case .failed(let error): throw error
            case .open(let log, let snapshot):
                guard snapshot.version == version else {
                    throw CoordinationError(
                        .versionConflict, "a change follows version \(version), the store is at \(snapshot.version)")
                }
                phase = .committing
                return (log, snapshot)
            }
        }
    }

    private func end(_ next: Phase) { phase.withLock { $0 = next } }

    private func open() async throws(LogFileError) -> (WriteAheadLog, CoordinatorSnapshot) {
        var snapshot = CoordinatorSnapshot()
        var changes = ChangeAssembler()
        let (log, report) = try await WriteAheadLog.open(folder, on: runtime, limits: limits) {
            (record) throws(LogFileError) in
            do throws(WireError) {
                if let change = try changes.take(Payload(head: record.payload).decode()) { snapshot.apply(change) }
            } catch {
                throw LogFileError(
                    .damaged, path: folder,
                    "record \(record.position) is no change that this version knows (\(error)); use the version that wrote it"
                )
            }
        }
        var metadata: Logger.Metadata = [
            "folder": "\(folder)", "version": "\(snapshot.version)", "changes": "\(report.entries)",
        ]
        if let cut = report.cut { metadata["cut"] = "\(cut.path): \(cut.bytes) bytes from \(cut.offset) on" }
        logger.info("coordination store opened", metadata: metadata)
        return (log, snapshot)
    }

    /// Replaces the changes by what they add up to, if they are many. What is committed meanwhile stays in the log.
    private func compact(_ log: WriteAheadLog, _ snapshot: CoordinatorSnapshot, at position: UInt64) async {
        guard log.bytes >= compactionBytes else { return }
        do throws(LogFileError) {
            try await log.compact(through: position) { (writer) async throws(LogFileError) in
                for change in snapshot.changes {
                    for part in ChangeParts(change, bytes: partBytes) { try await writer.append(Payload(part).head) }
                }
            }
        } catch {
            // The change is kept all the same, and the next one tries again.
            logger.warning("coordination store not compacted", metadata: ["folder": "\(folder)", "error": "\(error)"])
        }
    }

    private func unavailable(_ message: String, cause: (any Error)? = nil) -> CoordinationError {
        CoordinationError(.storeUnavailable, "nothing was changed in \(folder): \(message)", cause: cause)
    }
}
