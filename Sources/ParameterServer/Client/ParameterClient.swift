public import Coordination
import MeshTransport
import MeshWire
import Synchronization
public import Tensor

/// A worker's way to the parameter servers: declares tables, pulls parameters, pushes gradients.
///
/// ```swift
/// let client = try ParameterClient(session, coordination)
/// try await client.declare(tables)
/// let parameters = try await client.pull()
/// let report = try await client.push(gradients)
/// ```
/// Each push has a number of its own in its partition, and retries resend the same bytes under it, so that it is
/// applied once however often its answer is lost. A client belongs to one session; a new session makes a new client.
/// Safe to use from any task: its state is guarded by one mutex, which is not held across a call.
public final class ParameterClient: Sendable {
    /// The session that the pushes belong to.
    public let session: WorkerSession
    let coordination: CoordinationClient
    let configuration: ParameterClientConfiguration
    let observer: PushObserver
    let routes: TableRoutes
    let compressor: GradientCompressor
    let state = Mutex(State())
    let hotRows: HotRowCache?

    struct State {
        var numbers = PushNumbers()
        /// The latest version of each partition that an answer has shown: later pulls are not older.
        var seen: [PartitionID: PartitionVersion] = [:]
        /// The versions that the last pull was of: what gradients are computed from.
        var basis: [PartitionID: PartitionVersion] = [:]
        /// The round that the last pull was of.
        var round: UInt64?
        var acknowledged = AcknowledgedPushes()
        var clock = WorkerClock()
    }

    /// A client for the pushes of `session`.
    ///
    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``.
    public init(
        _ session: WorkerSession, _ coordination: CoordinationClient,
        configuration: ParameterClientConfiguration = ParameterClientConfiguration(),
        observer: PushObserver = PushObserver()
    ) throws(ParameterServerError) {
        try configuration.validate()
        self.session = session
        self.coordination = coordination
        self.configuration = configuration
        self.observer = observer
        compressor = GradientCompressor(configuration.compression)
        routes = TableRoutes(coordination, ServerClients(coordination.mesh), callBytes: configuration.callBytes)
        hotRows = configuration.hotRows.map { HotRowCache($0, metrics: coordination.mesh.metrics) }
    }

    /// Declares the model's tables: creates those that do not exist, and is content with those that do and are the
    /// same.
    ///
    /// Where tables have rounds, the worker takes part in them from here on, until its session ends: others wait for
    /// it.
    /// - Throws: ``ParameterServerError/Code/coordination`` whose cause says what conflicts; `invalidDeclaration` for
    ///   tables with different rounds; ``ParameterServerError/Code/invalidConfiguration`` for
    ///   ``ParameterClientConfiguration/compression`` or `pullCompression` that does not fit the tables; where one has
    ///   bounded staleness, as ``limitStaleness(to:)`` with the least limit, by which the worker goes from here on.
    public func declare(_ tables: [TableDeclaration]) async throws(ParameterServerError) {
        let leader = try RoundTable.declaration(for: tables)
        try compressor.check(tables, pulled: configuration.pullCompression.keys)
        let map: PartitionMap
        do throws(CoordinationError) {
            map = try await coordination.declare((leader.map { [$0] } ?? []).map(\.request) + tables.map(\.request))
        } catch {
            throw ParameterServerError(error)
        }
        try routes.install(tables, in: map)
        if leader != nil { try await join() }
        if let limit = tables.compactMap(\.consistency.stalenessLimit).min() { try await limitStaleness(to: limit) }
    }

    /// The parameters of all declared tables that are dense, from all servers at once; rows are pulled by key:
    /// ``pull(rows:of:)``.
    ///
    /// Each partition is consistent in itself, and not older than what this client has seen of it before, its own
    /// pushes included. What a server that ended did not answer is asked of whoever heads the partition then.
    /// With bounded staleness it waits for slower workers: see ``limitStaleness(to:)``.
    /// - Throws: ``ParameterServerError`` with `peerLost`, `callFailed` or what a server answers; `staleClock`, which
    ///   names the worker that was waited for until the time was over.
    public func pull() async throws(ParameterServerError) -> NamedTensors {
        try await pull(isolation: .uncommitted)
    }

    /// Takes down the versions that a pull was of.
    ///
    /// - Parameter oldest: the versions of what it was answered with of earlier pulls.
    /// - Returns: what gradients that are computed from it say that they are of.
    @discardableResult
    func pulled(
        _ versions: [PartitionID: PartitionVersion], keeping oldest: [PartitionID: PartitionVersion] = [:]
    ) -> [PartitionID: PartitionVersion] {
        let map = routes.map
        return state.withLock { state in
            var bases: [PartitionID: PartitionVersion] = [:]
            for (partition, version) in versions {
                let basis = state.acknowledged.basis(version, of: partition, map)
                bases[partition] = basis
                state.basis[partition] = max(state.basis[partition] ?? basis, basis)
            }
            for (partition, version) in oldest {
                let basis = state.acknowledged.basis(version, of: partition, map)
                bases[partition] = basis
                state.basis[partition] = basis
            }
            state.seen.merge(versions) { max($0, $1) }
            return bases
        }
    }

    /// Pushes a step: one gradient for each declared table that is dense, computed from what the last pull gave.
    ///
    /// A push that was not answered, because its server ended for example, is sent again under its number, the same
    /// bytes to whoever heads the partition then, until the time is over. If the partition went back, the push is
    /// refused with `rolledBack`, and the report says what the session has lost.
    /// - Returns: what became of it. A step is atomic in each partition and not across them:
    ///   ``PushReport/failed`` names the partitions that did not apply their share.
    /// - Throws: before anything leaves, ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` or
    ///   `dtypeMismatch` that names the parameter, or `nonFinite` if ``ParameterClientConfiguration/checksBeforeSend``;
    ///   `malformedRequest` before a pull, where tables have rounds; what the observer throws.
    ///
    /// Where tables have rounds the step is one of a round, and this waits until that is closed: see ``Consistency``. A
    /// step that came too late for its round is reported as such (``PushReport/isLate``), and one whose round was not
    /// closed in time fails with `roundStalled`, which says for whom it waits.
    public func push(_ gradients: NamedTensors) async throws -> PushReport {
        try await push(gradients, rows: [:])
    }

    /// Pushes a step as ``push(_:)`` does, with gradients of row tables whose keys are any 64-bit numbers. Those of
    /// tables with a limit may be among the others as row-sparse ones. A row table needs no gradient, and only the
    /// partitions that have rows of one take part in the step.
    ///
    /// - Parameters:
    ///   - rows: gradients by table.
    ///   - pulled: the rows that they were computed from; default those that were pulled last.
    /// - Throws: as ``push(_:)``, and `rowOutOfRange` for a key that is not below the table's limit.
    public func push(
        _ gradients: NamedTensors, rows: [String: KeyedRows], computedFrom pulled: PulledRows? = nil
    ) async throws -> PushReport {
        let deadline = deadline
        let tables = try routes.tables()
        var (gradients, rows) = (gradients, rows)
        try tables.check(gradients, rows: rows)
        if configuration.checksBeforeSend { try tables.checkFinite(gradients, rows: rows) }
        if let limit = configuration.globalNormLimit {
            do throws(TensorError) {
                try gradients.clip(toGlobalNorm: limit, with: &rows)
            } catch {
                throw ParameterServerError(
                    .applyFailed, "the step cannot be clipped, and nothing of it was sent: \(error.message)",
                    cause: error)
            }
        }
        let step = try tables.flatten(gradients, rows: rows)
        let round = try tables.hasRounds ? openRound() : 0
        let clock = nextClock()
        defer { finish(clock) }
        var (report, pushes) = try await push(
            step, of: tables, computedFrom: pulled, round: round, clock: clock, until: deadline)
        if clock > 0 { report.tickFailure = await tellOthers(clock, but: pushes, until: deadline) }
        return report
    }

    /// The clock of a step that begins to leave: 0 without bounded staleness.
    func nextClock() -> UInt64 { state.withLock { $0.clock.next() } }

    /// A step is over, whatever became of it.
    func finish(_ clock: UInt64) { state.withLock { $0.clock.finish(clock) } }

    /// Pushes gradients that were checked, of a whole step or of a part of one, under numbers of their own.
    ///
    /// - Parameters:
    ///   - round: the round that it is for; 0 for none.
    ///   - clock: the step's clock; 0 without bounded staleness.
    /// - Returns: what became of it, and the pushes that it was.
    /// - Throws: what the observer throws, before anything leaves.
    func push(
        _ step: [StepGradient], of tables: TableSet, computedFrom pulled: PulledRows?, round: UInt64 = 0,
        clock: UInt64, until deadline: RuntimeInstant, priority: CallPriority = .normal
    ) async throws -> (PushReport, [PushIdentity]) {
        let encoded = try compressor.encode(step, tables)
        let sent = number(encoded, tables, pulled?.basis ?? [:], round: round, clock: clock)
        let pushes = sent.map(\.identity)
        // Whatever comes of them, they are never sent again: later pushes need not wait for their answers.
        defer { settle(pushes) }
        do {
            try await observer.beforeFirstAttempt(pushes)
        } catch {
            compressor.takeBack(sent, tables)
            throw error
        }
        var report = try await attempting(sent, until: deadline) { pushes, tables, time in
            await send(pushes, tables, timeout: time, priority)
        }
        if round > 0 {
            await finish(round, sent, &report, until: deadline)
            let inRound = Set(sent.lazy.filter { $0.round > 0 }.map(\.identity))
            report.isLate =
                !report.failed.isEmpty && report.failed.allSatisfy { $0.error.code == .late }
                && !report.acknowledged.contains { inRound.contains($0.push) }
        }
        remember(&report)
        hotRows?.pushed(report, encoded, tables)
        if !report.failed.isEmpty {
            let refused = report.refused
            compressor.takeBack(sent.filter { refused.contains($0.identity) }, tables)
        }
        await observer.afterAcknowledgement(report.acknowledged.map(\.push))
        return (report, pushes)
    }

    /// Sends pushes, and those again which may be answered elsewhere or later, until none is left or the time is over.
    func attempting(
        _ pushes: [NumberedPush], until deadline: RuntimeInstant,
        _ send: ([NumberedPush], TableSet, Duration) async -> PushReport
    ) async throws(ParameterServerError) -> PushReport {
        var pending = pushes
        var report = PushReport()
        report.byteCount = pushes.reduce(0) { $0 + $1.byteCount }
        try await routes.retrying(until: deadline) { tables, time throws(ParameterServerError) in
            let attempt = await send(pending, tables, time)
            report.acknowledged += attempt.acknowledged
            report.answers.merge(attempt.answers) { $1 }
            report.skipped += attempt.skipped
            report.failed.removeAll { $0.error.mayBeAnsweredElsewhere }
            guard !attempt.failed.isEmpty else { return false }
            report.failed += attempt.failed
            report.standing.merge(attempt.standing) { $1 }
            let left = Set(attempt.failed.filter { $0.error.mayBeAnsweredElsewhere }.map(\.push))
            pending.removeAll { !left.contains($0.identity) }
            return !pending.isEmpty
        }
        return report
    }

    /// Closes the connections to the servers, and looks at the map no more.
    public func close() {
        routes.close()
        routes.clients.close()
    }

    /// How parameters are asked for, by table.
    var pullEncodings: [String: GradientEncoding] { configuration.pullCompression.compactMapValues(\.pullEncoding) }

    /// When a request that begins now has to be answered.
    var deadline: RuntimeInstant { runtime.now.advanced(by: configuration.timeout) }

    var runtime: any Runtime { coordination.mesh.runtime }

    /// Sends pushes to whoever heads their partitions, all servers at once.
    func send(
        _ pushes: [NumberedPush], _ tables: TableSet, timeout: Duration, _ priority: CallPriority = .normal
    ) async -> PushReport {
        await asking(tables.calls(pushes, from: session)) { [routes] in
            await $0.send(routes, timeout: timeout, priority)
        }
    }

    /// Makes calls, all at once.
    func asking(
        _ calls: [PushCall], _ ask: @escaping @Sendable (PushCall) async -> PushReport
    ) async -> PushReport {
        let reports = await calls.mapAllAtOnce(ask)
        guard reports.count > 1 else { return reports.first ?? PushReport() }
        var report = PushReport()
        for part in reports { report.add(part) }
        return report
    }

    /// Gives each partition's share of a step its number.
    private func number(
        _ gradients: [StepGradient], _ tables: TableSet, _ basis: [PartitionID: PartitionVersion], round: UInt64,
        clock: UInt64
    ) -> [NumberedPush] {
        state.withLock { state in
            var pushes: [NumberedPush] = []
            for share in tables.shares {
                for place in share.places {
                    guard let gradient = gradients[place.table].share(of: place) else { continue }
                    pushes.append(
                        NumberedPush(
                            place, of: session.id, state.numbers.next(for: place.id),
                            basis: basis[place.id] ?? state.basis[place.id]
                                ?? PartitionVersion(epoch: place.epoch, applied: 0), clock: clock, gradient,
                            round: tables.tables[place.table].takesRounds ? round : 0))
                }
            }
            return pushes
        }
    }

    /// Nobody waits for the answers to these any more.
    func settle(_ pushes: [PushIdentity]) {
        state.withLock { state in
            for push in pushes { state.numbers.settle(push.sequence, of: push.partition) }
        }
    }

    /// Takes down what pushes have shown, and completes the report by what was lost.
    func remember(_ report: inout PushReport) {
        let (acknowledged, failed, standing) = (report.acknowledged, report.failed, report.standing)
        report.rolledBack = state.withLock { state in
            for entry in acknowledged {
                state.acknowledged.insert(entry.push, epoch: entry.version.epoch)
                state.seen[entry.push.partition] = max(state.seen[entry.push.partition] ?? entry.version, entry.version)
            }
            return failed.compactMap { failure in
                standing[failure.push.partition].map {
                    state.acknowledged.rolledBack(failure.push, to: $0.sequences, epoch: $0.epoch)
                }
            }
        }
    }
}
