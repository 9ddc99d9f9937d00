import Coordination
import Logging
import MeshTransport
import MeshWire
import Synchronization

/// What a server's log has of partitions, until the map says whether this server still heads them.
extension HostedPartitions {
    /// Opens the log, if there is one, and takes what it has of partitions.
    ///
    /// - Throws: ``ParameterServerError/Code/logFailed``.
    func recover() async throws(ParameterServerError) {
        guard let settings = configuration.log, state.withLock({ $0.log == nil }) else { return }
        let (log, partitions) = try await ServerLog.open(
            settings, ledger: configuration.ledger, functions: functions, on: coordination.mesh.runtime, logger: logger)
        state.withLock { state in
            state.log = log
            for first in partitions { state.recovered[first.id] = partition(first, in: nil, log: log) }
        }
        guard !partitions.isEmpty else { return }
        logger.info(
            "partitions read from the log",
            metadata: ["server": "\(server)", "partitions": "\(partitions.count)", "folder": "\(settings.folder)"])
    }

    /// Has the partitions that the log had begin the epoch after the map's, in the log before anybody hears of it, and
    /// returns those of which nothing is lost: whose log has an epoch from which on nothing was acknowledged without it.
    /// One that was left in an earlier epoch had another head since.
    ///
    /// - Returns: these, and the version of the map; 0 where the log had nothing.
    /// - Throws: ``ParameterServerError`` with `coordination` or `logFailed`.
    func beginRecovered() async throws(ParameterServerError) -> (partitions: [RecoveredPartition], mapVersion: UInt64) {
        let recovered = state.withLock { $0.recovered }
        guard !recovered.isEmpty else { return ([], 0) }
        let map = try await fetch { () throws(CoordinationError) in try await coordination.fetchMap() }
        var intact: [RecoveredPartition] = []
        for entry in map.tables.flatMap(\.partitions) where entry.head == server {
            guard let partition = recovered[entry.id] else { continue }
            let left = await partition.snapshot().0.epoch
            guard entry.headSince <= left, left <= entry.epoch + 1 else { continue }
            partition.begin(epoch: entry.epoch + 1, intactSince: entry.intactSince)
            intact.append(RecoveredPartition(partition: entry.id, epoch: entry.epoch + 1))
        }
        try await settled(until: coordination.mesh.runtime.now.advanced(by: Self.recoveryTimeout))
        return (intact, map.version)
    }

    /// Waits until the followers and the log, where there are any, have all that the partitions have executed which this
    /// server heads.
    ///
    /// - Throws: ``ParameterServerError`` with `unconfirmed`, `notRegistered` or `logFailed`.
    func confirmed(until deadline: RuntimeInstant) async throws(ParameterServerError) {
        for partition in headed { try await partition.committed(until: deadline, on: coordination.mesh.runtime) }
        try await settled(until: deadline)
    }

    /// Waits until the log, if there is one, has all that partitions have executed.
    ///
    /// - Throws: ``ParameterServerError`` with `unconfirmed` or `logFailed`.
    func settled(until deadline: RuntimeInstant) async throws(ParameterServerError) {
        try await state.withLock { $0.log }?.settled(until: deadline)
    }

    /// Serves the partitions that the log had, as the map has them now. Where the coordinator cannot be asked, whoever
    /// asks for one of them has it asked.
    func hostRecovered() async {
        guard state.withLock({ !$0.recovered.isEmpty }) else { return }
        do throws(ParameterServerError) {
            try await askingCoordinator { () throws(ParameterServerError) in try await refresh() }
        } catch {
            logger.warning(
                "partitions of the log are served when they are asked for",
                metadata: ["server": "\(server)", "error": "\(error)"])
        }
        // The snapshots that partitions were joined with count from now on.
        compactLogIfNeeded()
    }

    /// How long a server that starts waits for its log to have the new epochs.
    private static let recoveryTimeout = Duration.seconds(30)

    /// Has the log replaced by snapshots when it is half full.
    func compactLogIfNeeded() {
        guard let log = state.withLock({ $0.log }) else { return }
        log.compactIfNeeded { [self] in
            state.withLock { (Array($0.partitions.values) + $0.recovered.values).sorted { $0.id < $1.id } }
        }
    }

    /// Lets go of the log.
    func closeLog() async { await state.withLock { $0.log }?.close() }
}
