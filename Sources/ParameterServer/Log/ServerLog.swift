import Coordination
import Logging
import MeshWire
import NIOCore
import Synchronization
import Tensor

/// The log of all partitions of a server: what its parameters, optimizers and ledgers are made of anew when it starts
/// again.
///
/// One for a server, and not one for a partition, so that the pushes of a step, which are for many, wait for one sync.
/// A partition appends a record under its own mutex before it executes it, and answers when the record is as safe as
/// ``PartitionLogConfiguration/sync`` says. When the log is half full, it is replaced by snapshots of the partitions,
/// while they go on.
///
/// What was executed and could not be written leaves memory ahead of the disk. Nothing of it has been acknowledged, and
/// nothing that comes later may be: the log has failed, and so have its partitions, until the server starts again. Safe
/// to use from any task: guarded by a mutex.
final class ServerLog: Sendable {
    private struct State {
        var failure: LogFileError?
        var isCompacting = false
        /// Records that wait for room, and that nothing may stop.
        var waiting = 0
    }

    /// What becomes of a record for which the log has no room.
    enum IfFull {
        /// It is refused; it is too while others wait for room.
        case refuse
        /// It is refused and comes again, before others: see ``whenThereIsRoom(_:_:)``.
        case wait
        /// It is taken.
        case take
    }

    /// How long the log may be full before whoever waits for room does without.
    static let patience = Duration.seconds(5)

    private let sync: PartitionLogConfiguration.Sync
    private let log: WriteAheadLog
    private let limit: Int
    /// The most bytes of a record.
    let recordBytes: Int
    private let runtime: any Runtime
    private let logger: Logger
    private let state = Mutex(State())
    /// Whoever has the turn begins partitions in the log, or replaces it by snapshots: what is begun is either in a
    /// snapshot or after it.
    private let beginnings = TurnQueue(limit: .max)

    private init(
        _ log: WriteAheadLog, _ configuration: PartitionLogConfiguration, on runtime: any Runtime, logger: Logger
    ) {
        self.log = log
        sync = configuration.sync
        limit = configuration.bytes
        recordBytes = configuration.recordBytes
        self.runtime = runtime
        self.logger = logger
    }

    /// Opens the log, and reads what it has of partitions.
    ///
    /// - Throws: ``ParameterServerError/Code/logFailed``, which names the file, the byte and what to do, for a log that
    ///   is damaged, in use or cannot be read.
    static func open(
        _ configuration: PartitionLogConfiguration, ledger: PushLedger.Limits,
        functions: ServerFunctions = ServerFunctions(), on runtime: any Runtime, logger: Logger
    ) async throws(ParameterServerError) -> (log: ServerLog, partitions: [PartitionState]) {
        var partitions: [PartitionID: RecoveringPartition] = [:]
        let opened: (log: WriteAheadLog, report: LogReport)
        do throws(LogFileError) {
            opened = try await WriteAheadLog.open(configuration.folder, on: runtime, limits: configuration.limits) {
                (record) throws(LogFileError) in
                try read(
                    record.payload, into: &partitions, ledger: ledger, functions: functions,
                    folder: configuration.folder)
            }
        } catch {
            throw ParameterServerError(error)
        }
        if let cut = opened.report.cut {
            logger.warning(
                "the log's last record was cut off, and removed; nobody had been told that it was safe",
                metadata: ["path": "\(cut.path)", "offset": "\(cut.offset)", "bytes": "\(cut.bytes)"])
        }
        var states: [PartitionState] = []
        for id in partitions.keys.sorted() {
            guard var recovering = partitions.removeValue(forKey: id) else { continue }
            states.append(try recovering.finish())
        }
        return (ServerLog(opened.log, configuration, on: runtime, logger: logger), states)
    }

    /// Takes an entry of a log into the partitions that it is of.
    static func read(
        _ payload: ByteBuffer, into partitions: inout [PartitionID: RecoveringPartition], ledger: PushLedger.Limits,
        functions: ServerFunctions = ServerFunctions(), folder: String
    ) throws(LogFileError) {
        do {
            guard let entry = ServerLogEntry(payload) else {
                throw WireError(.malformed, "an entry of \(payload.readableBytes) bytes is none that is known")
            }
            switch entry.kind {
            case .origin:
                partitions[entry.partition] = RecoveringPartition(
                    try entry.message(), limits: ledger, functions: functions)
            case .snapshot:
                guard partitions[entry.partition] != nil else {
                    throw WireError(.malformed, "a snapshot of partition \(entry.partition) without an origin")
                }
                try partitions[entry.partition]?.add(entry.content)
            case .record:
                guard partitions[entry.partition] != nil else {
                    throw WireError(.malformed, "a record of partition \(entry.partition) without an origin")
                }
                try partitions[entry.partition]?.execute(try entry.message())
            }
        } catch let error as ParameterServerError where error.isOfFunction {
            throw LogFileError(
                .mismatched, path: folder, "\(error); start a host that has the functions with which it was written")
        } catch {
            throw LogFileError(.damaged, path: folder, "\(error); restore the folder from a copy")
        }
    }

    /// What a settled record survives.
    var durability: Durability {
        switch sync {
        case .process: .loggedProcessOnly
        case .disk: .loggedSynced
        }
    }

    // MARK: Appending

    /// Why a gradient cannot be recorded: that of many rows may be larger than a record.
    func fault(ofGradientBytes bytes: Int) -> PushFault? {
        let most = recordBytes - ServerLogEntry.overhead
        guard bytes > most else { return nil }
        return PushFault(
            code: .malformedRequest,
            message:
                "a gradient of \(bytes) bytes, and a record of the log has at most \(most): push fewer rows at a time")
    }

    /// Why the record of a function's call cannot be kept: argument and answer are in it.
    func fault(ofRecordBytes bytes: Int) -> PushFault? {
        let most = recordBytes - ServerLogEntry.overhead
        guard bytes > most else { return nil }
        return PushFault(
            code: .answerTooLarge,
            message:
                "argument and answer make a record of about \(bytes) bytes, and one of the log has at most \(most): have less of them, or raise log.waitingBytes"
        )
    }

    /// - Throws: ``ParameterServerError/Code/invalidDeclaration`` for a partition whose gradients do not fit into a
    ///   record.
    func check(gradientBytes: Int, of name: PartitionName) throws(ParameterServerError) {
        let most = recordBytes - ServerLogEntry.overhead
        guard gradientBytes <= most else {
            throw ParameterServerError(
                .invalidDeclaration,
                "partition \(name) has gradients of \(gradientBytes) bytes, and a record of the log has at most \(most): cut the table into more partitions, or raise log.waitingBytes"
            )
        }
    }

    /// - Throws: ``ParameterServerError/Code/checkpointFailed`` for a record of a checkpoint that does not fit.
    func check(recordOf record: PartitionRecord, of name: PartitionName) throws(ParameterServerError) {
        guard case .restore(let snapshot, _) = record.change else { return }
        let bytes =
            Payload(snapshot.head).head.readableBytes + snapshot.tensors.reduce(0) { $0 + $1.byteCount }
            + (snapshot.rows?.byteCount ?? 0) + ServerLogEntry.overhead
        guard bytes <= recordBytes else {
            throw ParameterServerError(
                .checkpointFailed,
                "partition \(name) goes back by a record of \(bytes) bytes, and one of the log has at most \(recordBytes): set log.waitingBytes to \(2 * bytes) or more, or cut the table into more partitions"
            )
        }
    }

    /// Notes a partition's beginning down, or its record; returns what to wait for.
    ///
    /// - Throws: ``ParameterServerError`` with `busy` when the log is full, and `logFailed`, also for a record that
    ///   never fits: a follower's log may be smaller than its head's. Then nothing has changed.
    func append(
        _ kind: ServerLogEntry.Kind, of partition: PartitionID, _ message: some MeshMessage, ifFull: IfFull = .refuse
    ) throws(ParameterServerError) -> UInt64 {
        let bytes = ServerLogEntry.bytes(kind, of: partition, message)
        let (failure, waiting) = state.withLock { ($0.failure, $0.waiting) }
        if let failure { throw ParameterServerError(failure) }
        guard waiting == 0 || ifFull != .refuse else {
            throw ParameterServerError(.busy, "\(log.folder): the log is full, and others have its next room")
        }
        guard bytes.readableBytes <= recordBytes else {
            let error = ParameterServerError(
                .logFailed,
                "\(log.folder): a record of \(bytes.readableBytes) bytes, and one of this log has at most \(recordBytes): set log.waitingBytes to \(2 * bytes.readableBytes) or more, as at the other servers of the partition"
            )
            logger.error(
                "a record does not fit into the log", metadata: ["partition": "\(partition)", "error": "\(error)"])
            throw error
        }
        do throws(LogFileError) {
            return try log.append(bytes, in: ifFull == .take ? .always : .ordinary)
        } catch {
            throw ParameterServerError(error)
        }
    }

    /// Calls `body` again and again until it finds room in the log, which others are refused meanwhile.
    ///
    /// - Parameter compact: has the log replaced by snapshots if it is half full.
    /// - Returns: `nil` if that takes longer than ``patience``, or the task is cancelled.
    func whenThereIsRoom<Result>(_ compact: () -> Void, _ body: () async -> Result?) async -> Result? {
        state.withLock { $0.waiting += 1 }
        defer { state.withLock { $0.waiting -= 1 } }
        let deadline = runtime.now.advanced(by: Self.patience)
        repeat {
            compact()
            // What it fails with `body` is told, too.
            try? await log.written(through: log.last, until: deadline)
            if let result = await body() { return result }
            guard (try? await runtime.sleep(for: .milliseconds(5))) != nil else { return nil }
        } while runtime.now < deadline
        return nil
    }

    /// Begins partitions, and has `host` take them where ``compactIfNeeded(_:)`` finds them.
    ///
    /// - Parameter partitions: what each begins with, and a snapshot to go on from if it is not its first values,
    ///   pinned if it has rows.
    /// - Throws: ``ParameterServerError`` with `logFailed` and `busy`; then none is hosted.
    func begin(
        _ partitions: [(origin: PartitionOrigin, snapshot: PartitionSnapshot?)], host: () -> Void
    ) async throws(ParameterServerError) {
        await beginnings.takeWithoutLimit()
        defer { beginnings.pass() }
        if let failure = state.withLock({ $0.failure }) { throw ParameterServerError(failure) }
        for (origin, snapshot) in partitions {
            // Of many tables at a time, the origins take more than may wait to be written.
            try await appendWaiting(ServerLogEntry.bytes(.origin, of: origin.partition, origin))
            guard let snapshot else { continue }
            for entry in ServerLogEntry.entries(of: snapshot, ofAtMost: recordBytes) { try await appendWaiting(entry) }
        }
        host()
    }

    /// Appends an entry of a snapshot when what waits to be written lets it. It does not count in the log, which may be
    /// smaller than the snapshot.
    private func appendWaiting(_ entry: ByteBuffer) async throws(ParameterServerError) {
        do throws(LogFileError) {
            do throws(LogFileError) {
                _ = try log.append(entry, in: .snapshot)
            } catch {
                guard error.code == .limitReached else { throw error }
                try await log.written(through: log.last, until: runtime.now.advanced(by: .seconds(60)))
                _ = try log.append(entry, in: .snapshot)
            }
        } catch {
            throw ParameterServerError(error)
        }
    }

    /// Says that a record was appended and not executed: memory and disk differ, and nothing can be acknowledged any
    /// more.
    func fail(_ error: ParameterServerError) {
        record(LogFileError(.ioFailure, path: log.folder, "\(error.message); start the server again"))
    }

    /// Waits until what was appended up to a position is as safe as it shall be.
    ///
    /// - Throws: ``ParameterServerError`` with `unconfirmed` at the deadline, and `logFailed`.
    func settled(through position: UInt64, until deadline: RuntimeInstant) async throws(ParameterServerError) {
        do throws(LogFileError) {
            switch sync {
            case .process: try await log.written(through: position, until: deadline)
            case .disk: try await log.synced(through: position, until: deadline)
            }
        } catch {
            // Nothing has failed: the deadline came, or more wait than may.
            if error.code == .deadlineExceeded || error.code == .limitReached {
                throw ParameterServerError(
                    .unconfirmed, "applied, and not yet on disk: \(error.message); the same push may come again",
                    cause: error)
            }
            record(error)
            throw ParameterServerError(error)
        }
    }

    /// The position of what was appended last.
    var last: UInt64 { log.last }

    /// Waits for all that was appended.
    ///
    /// - Throws: as ``settled(through:until:)`` does.
    func settled(until deadline: RuntimeInstant) async throws(ParameterServerError) {
        try await settled(through: log.last, until: deadline)
    }

    private func record(_ error: LogFileError) {
        let isFirst = state.withLock { state in
            defer { state.failure = state.failure ?? error }
            return state.failure == nil
        }
        guard isFirst else { return }
        logger.error(
            "the log failed: pushes are refused until the server starts again", metadata: ["error": "\(error)"])
    }

    /// What the log takes, and how far it is.
    var usage: WriteAheadLog.Usage { log.usage }

    // MARK: Compaction

    /// Whether the records are worth being replaced by snapshots.
    var isHalfFull: Bool { log.bytes > limit / 2 }

    /// Whether the log is being replaced by snapshots.
    var isCompacting: Bool { state.withLock { $0.isCompacting } }

    /// Begins to replace the log by snapshots if it is half full and nobody is at it.
    ///
    /// - Parameter partitions: gives each partition's origin and snapshot when its turn comes; it is asked after the
    ///   position was taken, so that a snapshot has all that the removed entries have.
    func compactIfNeeded(_ partitions: @escaping @Sendable () -> [Partition]) {
        guard isHalfFull else { return }
        let isOurs = state.withLock { state in
            guard !state.isCompacting, state.failure == nil else { return false }
            state.isCompacting = true
            return true
        }
        guard isOurs else { return }
        runtime.spawn(on: runtime.computeExecutor) {
            await self.beginnings.takeWithoutLimit()
            await self.compact(partitions)
            self.beginnings.pass()
            self.state.withLock { $0.isCompacting = false }
        }
    }

    private func compact(_ partitions: @Sendable () -> [Partition]) async {
        let position = log.last
        do throws(LogFileError) {
            try await log.written(through: position, until: runtime.now.advanced(by: .seconds(60)))
            try await log.compact(through: position) { (writer) throws(LogFileError) in
                for partition in partitions() {
                    let (origin, snapshot) = await partition.snapshot()
                    try await writer.append(ServerLogEntry.bytes(.origin, of: partition.id, origin))
                    for entry in ServerLogEntry.entries(of: try pinned(snapshot), ofAtMost: recordBytes) {
                        try await writer.append(entry)
                    }
                }
            }
        } catch {
            logger.warning(
                "the log could not be replaced by snapshots, and goes on", metadata: ["error": "\(error)"])
        }
    }

    private func pinned(_ snapshot: PartitionSnapshot) throws(LogFileError) -> PartitionSnapshot {
        do throws(ParameterServerError) {
            return try snapshot.pinned()
        } catch {
            throw LogFileError(.limitReached, path: log.folder, error.message)
        }
    }

    /// Lets go of the files.
    func close() async { await log.close() }
}

extension ParameterServerError {
    /// What a log refused.
    init(_ error: LogFileError) {
        let code: Code = error.code == .limitReached ? .busy : .logFailed
        self.init(code, error.description, cause: error)
    }
}
