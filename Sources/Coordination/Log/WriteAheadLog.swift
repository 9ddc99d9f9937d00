package import MeshWire
package import NIOCore
import Synchronization

/// Records that outlive the process, or the machine's crash, in the files of one folder.
///
/// ```swift
/// let (log, report) = try await WriteAheadLog.open("/var/lib/job/log", on: runtime) { record in … }
/// let position = try log.append(payload)
/// try await log.synced(through: position, until: deadline)
/// ```
/// Appending only notes a record down; whoever needs it written or synced says so and waits. All who wait meanwhile are
/// served by one write and one sync. It stands in this room because the coordinator's store and the partitions' logs
/// need it, and `ParameterServer` imports this room anyway: nobody compiles more for it.
///
/// When a write fails, as on a full disk, the records that were not written are lost, whoever waits for them is told
/// so, and the log goes on from those before, or ends where ``WriteAheadLogLimits/goesOnAfterLoss`` is false. When a
/// sync fails, nobody knows what the disk holds: every later call fails, and the log must be opened again.
///
/// Safe to use from any task: guarded by one mutex that is not held while the disk works. One task at a time writes; it
/// lives while somebody waits, and ``close()`` waits for its end.
package final class WriteAheadLog: Sendable {
    /// A file of entries that is full.
    struct FullFile: Sendable {
        var path: String
        var last: UInt64
        var bytes: Int64
    }

    /// The file of entries that is being written.
    struct OpenFile: Sendable {
        var file: any LogFile
        /// The bytes that are whole records.
        var bytes: Int64
    }

    private struct Wait {
        var position: UInt64
        var stage: LogProgress.Stage
        var outcome: PendingOutcome<LogFileError?>
    }

    private struct State {
        var progress: LogProgress
        var full: [FullFile]
        var open: OpenFile
        var waits: [Wait] = []
        var isWriting = false
        var isCompacting = false
        var isClosed = false
        /// Why the log cannot go on.
        var failure: LogFileError?
        /// Why records were lost last.
        var loss: LogFileError?
        var closing: [PendingOutcome<Void>] = []

        /// The records of snapshots among the entries, until the log is compacted.
        var snapshots: [(position: UInt64, bytes: Int64)] = []

        var bytes: Int64 { full.reduce(open.bytes) { $0 + $1.bytes } + Int64(progress.backlogBytes) }
        /// Those of the bytes that the log's limit is for.
        var countedBytes: Int64 { snapshots.reduce(bytes) { $0 - $1.bytes } }
    }

    /// Where the files are.
    package let folder: String
    let runtime: any Runtime
    let limits: WriteAheadLogLimits
    /// Held open, so that no other process writes here.
    private let lock: any LogFile
    private let state: Mutex<State>

    init(
        _ folder: String, _ runtime: any Runtime, _ limits: WriteAheadLogLimits, lock: any LogFile, full: [FullFile],
        open: OpenFile, last: UInt64
    ) {
        self.folder = folder
        self.runtime = runtime
        self.limits = limits
        self.lock = lock
        state = Mutex(State(progress: LogProgress(last: last), full: full, open: open))
    }

    /// The bytes of all entries, written or not.
    package var bytes: Int { state.withLock { Int($0.bytes) } }

    /// What a log takes, and how far it is.
    package struct Usage: Sendable, Hashable {
        /// Of all records, written or not.
        package var bytes: Int
        /// Of those that wait to be written.
        package var waitingBytes: Int
        /// The last records that were appended, that the system has, and that the disk has.
        package var appended: UInt64
        package var written: UInt64
        package var synced: UInt64
    }

    package var usage: Usage {
        state.withLock {
            Usage(
                bytes: Int($0.bytes), waitingBytes: $0.progress.backlogBytes, appended: $0.progress.last,
                written: $0.progress.written, synced: $0.progress.synced)
        }
    }

    /// The position that was given out last; 0 where none was.
    package var last: UInt64 { state.withLock { $0.progress.last } }

    /// Which limits a record keeps.
    package enum Room: Sendable {
        /// Those of what waits to be written and of the log.
        case ordinary
        /// Not the log's own, in which snapshots do not count.
        case snapshot
        /// Neither: for small and rare records that are worse to lose than to make room for.
        case always
    }

    /// Notes a record down; returns its position. It is written when somebody waits for it or a later one, or when half
    /// of what may wait to be written does.
    ///
    /// - Throws: ``LogFileError`` with `limitReached` when the record, what waits to be written, or the log would be
    ///   too large, `closed`, or what the log failed with. Then nothing has changed.
    package func append(_ payload: ByteBuffer, in room: Room = .ordinary) throws(LogFileError) -> UInt64 {
        let (position, starts) = try state.withLock { (state) throws(LogFileError) in
            try expectUsable(state)
            let size = payload.readableBytes + LogRecord.overhead
            guard payload.readableBytes <= limits.recordBytes else {
                throw limitReached("a record has \(payload.readableBytes) bytes, the limit is \(limits.recordBytes)")
            }
            guard room == .always || state.progress.backlogBytes + size <= limits.backlogBytes else {
                throw limitReached(
                    "\(state.progress.backlogBytes) bytes wait to be written, the limit is \(limits.backlogBytes); append less before waiting for it"
                )
            }
            guard room != .ordinary || Int(state.countedBytes) + size <= limits.bytes else {
                throw limitReached(
                    "the log has \(state.countedBytes) bytes, the limit is \(limits.bytes); compact it, or raise the limit"
                )
            }
            let position = state.progress.append(payload)
            if room == .snapshot { state.snapshots.append((position, Int64(size))) }
            let starts = isHalfFull(state) && !state.isWriting
            state.isWriting = state.isWriting || starts
            return (position, starts)
        }
        if starts { runtime.spawn(on: runtime.taskExecutor) { await self.write() } }
        return position
    }

    /// Whether so much waits to be written that it is written for nobody: those who only follow wait for nothing.
    private func isHalfFull(_ state: State) -> Bool { state.progress.backlogBytes > limits.backlogBytes / 2 }

    /// Waits until the system has the record, and all before it: they outlive the process.
    ///
    /// - Throws: ``LogFileError`` with `deadlineExceeded` at the deadline or when the task is cancelled, or
    ///   `limitReached` when too many wait; what becomes of the record is unknown then. Else with what lost the record,
    ///   `diskFull` or `ioFailure`.
    package func written(through position: UInt64, until deadline: RuntimeInstant) async throws(LogFileError) {
        try await wait(for: position, .written, until: deadline)
    }

    /// Waits until the disk has the record, and all before it: they outlive the machine's crash.
    ///
    /// - Throws: as ``written(through:until:)`` does.
    package func synced(through position: UInt64, until deadline: RuntimeInstant) async throws(LogFileError) {
        try await wait(for: position, .synced, until: deadline)
    }

    /// Lets go of the files when what is being written is; later calls fail with `closed`. What nobody waited for may
    /// be lost.
    package func close() async {
        let idle = PendingOutcome<Void>()
        let open = state.withLock { state in
            state.isClosed = true
            if state.isWriting { state.closing.append(idle) } else { idle.finish(()) }
            return state.open.file
        }
        await idle.value(until: runtime.now.advanced(by: Self.closeTimeout), on: runtime, late: ())
        await open.close()
        await lock.close()
    }

    /// How long closing waits for the disk before it gives the files up.
    private static let closeTimeout: Duration = .seconds(10)

    private func wait(
        for position: UInt64, _ stage: LogProgress.Stage, until deadline: RuntimeInstant
    ) async throws(LogFileError) {
        let outcome = PendingOutcome<LogFileError?>()
        let (isDone, starts) = try state.withLock { (state) throws(LogFileError) in
            precondition(position <= state.progress.last, "record \(position) has not been appended")
            switch state.progress.outcome(of: position, at: stage) {
            case .reached: return (true, false)
            case .lost: throw state.loss ?? lostLongAgo(position)
            case .pending: break
            }
            try expectUsable(state)
            guard state.waits.count < limits.waits else {
                throw limitReached("\(limits.waits) wait for records, the limit; append less before waiting for it")
            }
            state.waits.append(Wait(position: position, stage: stage, outcome: outcome))
            let starts = !state.isWriting
            state.isWriting = true
            return (false, starts)
        }
        guard !isDone else { return }
        if starts { runtime.spawn(on: runtime.taskExecutor) { await self.write() } }
        let late = LogFileError(
            .deadlineExceeded, path: folder, "record \(position) was not \(stage) in time; it may still be, or be lost")
        let failure = await outcome.value(until: deadline, on: runtime, late: late)
        state.withLock { state in state.waits.removeAll { $0.outcome === outcome } }
        if let failure { throw failure }
    }

    // MARK: Writing

    /// Writes and syncs for as long as somebody waits, or too much does.
    private func write() async {
        while let (batch, syncs) = takeWork() {
            do throws(LogFileError) {
                try await write(batch)
                if syncs { try await sync() }
            } catch {
                state.withLock { state in
                    state.loss = error
                    state.progress.loseUnwritten()
                    if !limits.goesOnAfterLoss { state.failure = state.failure ?? error }
                }
            }
            finishWaits()
        }
    }

    /// What is to be done next, or `nil` when the writer is to end.
    private func takeWork() -> (LogProgress.Batch, syncs: Bool)? {
        let (work, closing) = state.withLock { state in
            guard state.failure == nil, !state.waits.isEmpty || isHalfFull(state) else {
                state.isWriting = false
                defer { state.closing = [] }
                return (nil as (LogProgress.Batch, Bool)?, state.closing)
            }
            let syncs = state.waits.contains { $0.stage == .synced }
            return ((state.progress.takeBatch(), syncs), [])
        }
        for outcome in closing { outcome.finish(()) }
        return work
    }

    /// Writes a batch, in the next file if this one is full. Where that fails, the file is as it was before.
    private func write(_ batch: LogProgress.Batch) async throws(LogFileError) {
        guard batch.bytes.readableBytes > 0 else { return }
        var open = state.withLock { $0.open }
        if open.bytes >= Int64(limits.fileBytes) { open = try await beginFile(after: open) }
        do throws(LogFileError) {
            try await open.file.append([batch.bytes])
        } catch {
            try await lasting { () async throws(LogFileError) in try await open.file.truncate(to: open.bytes) }
            throw error
        }
        state.withLock { state in
            state.open.bytes += Int64(batch.bytes.readableBytes)
            state.progress.wrote(batch)
        }
    }

    private func sync() async throws(LogFileError) {
        let (file, written) = state.withLock { ($0.open.file, $0.progress.written) }
        try await lasting { () async throws(LogFileError) in try await file.sync() }
        state.withLock { $0.progress.synced(through: written) }
    }

    /// Makes the file after `full`, whose bytes are durable before any of the next are: only a log's last file is torn.
    private func beginFile(after full: OpenFile) async throws(LogFileError) -> OpenFile {
        try await sync()
        let written = state.withLock { $0.progress.written }
        let next = try await Self.makeFile(in: folder, after: written, on: runtime)
        state.withLock { state in
            state.full.append(FullFile(path: full.file.path, last: written, bytes: full.bytes))
            state.open = next
        }
        await full.file.close()
        return next
    }

    /// Does what the log cannot go on without.
    private func lasting(_ body: () async throws(LogFileError) -> Void) async throws(LogFileError) {
        do throws(LogFileError) {
            try await body()
        } catch {
            let failure = LogFileError(
                .ioFailure, path: error.path, "\(error.message); what the disk holds is unknown, restart the process")
            state.withLock { $0.failure = failure }
            throw failure
        }
    }

    private func finishWaits() {
        let finished: [(PendingOutcome<LogFileError?>, LogFileError?)] = state.withLock { state in
            var finished: [(PendingOutcome<LogFileError?>, LogFileError?)] = []
            state.waits.removeAll { wait in
                switch state.progress.outcome(of: wait.position, at: wait.stage) {
                case .reached: finished.append((wait.outcome, nil))
                case .lost: finished.append((wait.outcome, state.failure ?? state.loss))
                case .pending:
                    guard let failure = state.failure else { return false }
                    finished.append((wait.outcome, failure))
                }
                return true
            }
            return finished
        }
        for (outcome, failure) in finished { outcome.finish(failure) }
    }

    // MARK: Compaction's part

    /// Takes the right to compact; false if somebody has it.
    func beginCompaction(through position: UInt64) throws(LogFileError) -> Bool {
        try state.withLock { (state) throws(LogFileError) in
            try expectUsable(state)
            precondition(position <= state.progress.written, "record \(position) has not been written")
            defer { state.isCompacting = true }
            return !state.isCompacting
        }
    }

    func endCompaction() { state.withLock { $0.isCompacting = false } }

    /// The files that have nothing but entries up to `position`, which are not the log's any more.
    func takeFiles(through position: UInt64) -> [String] {
        state.withLock { state in
            let files = state.full.prefix { $0.last <= position }
            state.full.removeFirst(files.count)
            state.snapshots.removeAll { $0.position <= position }
            return files.map(\.path)
        }
    }

    private func expectUsable(_ state: borrowing State) throws(LogFileError) {
        if let failure = state.failure { throw failure }
        if state.isClosed { throw LogFileError(.closed, path: folder, "the log has been closed") }
    }

    private func limitReached(_ message: String) -> LogFileError {
        LogFileError(.limitReached, path: folder, message)
    }

    private func lostLongAgo(_ position: UInt64) -> LogFileError {
        LogFileError(.ioFailure, path: folder, "record \(position) was lost")
    }
}
