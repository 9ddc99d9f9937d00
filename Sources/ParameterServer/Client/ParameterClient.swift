public import Coordination
import Identity
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
    private let coordination: CoordinationClient
    private let configuration: ParameterClientConfiguration
    private let observer: PushObserver
    private let clients: ServerClients
    private let state = Mutex(State())

    private struct State {
        var tables: TableSet?
        var numbers = PushNumbers()
        /// The latest version of each partition that an answer has shown: later pulls are not older.
        var seen: [PartitionID: PartitionVersion] = [:]
        /// The versions that the last pull was of: what gradients are computed from.
        var basis: [PartitionID: PartitionVersion] = [:]
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
        clients = ServerClients(coordination.mesh)
    }

    /// Declares the model's tables: creates those that do not exist, and is content with those that do and are the same.
    ///
    /// - Throws: ``ParameterServerError/Code/coordination`` whose cause says what conflicts.
    public func declare(_ tables: [TableDeclaration]) async throws(ParameterServerError) {
        let map: PartitionMap
        do throws(CoordinationError) {
            map = try await coordination.declare(tables.map(\.request))
        } catch {
            throw ParameterServerError(error)
        }
        let set = try TableSet(tables, in: map, callBytes: configuration.callBytes)
        state.withLock { $0.tables = set }
    }

    /// The parameters of all declared tables, from all servers at once.
    ///
    /// Each partition is consistent in itself, and not older than what this client has seen of it before, its own
    /// pushes included.
    /// - Throws: ``ParameterServerError`` with `callFailed` or what a server answers.
    public func pull() async throws(ParameterServerError) -> NamedTensors {
        let tables = try declaredTables()
        let seen = state.withLock { $0.seen }
        let result = try await ParameterPull(tables: tables, clients: clients, timeout: configuration.timeout)
            .run(minimums: seen)
        state.withLock { state in
            state.basis.merge(result.versions) { max($0, $1) }
            state.seen.merge(result.versions) { max($0, $1) }
        }
        return result.parameters
    }

    /// Pushes a step: one gradient for each declared table, computed from what the last pull gave.
    ///
    /// - Returns: what became of it. A step is atomic in each partition and not across them:
    ///   ``PushReport/failed`` names the partitions that did not apply their share.
    /// - Throws: before anything leaves, ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` or
    ///   `dtypeMismatch` that names the parameter, or `nonFinite` if ``ParameterClientConfiguration/checksBeforeSend``;
    ///   what the observer throws.
    public func push(_ gradients: NamedTensors) async throws -> PushReport {
        let tables = try declaredTables()
        try check(gradients, tables)
        let calls = try prepare(gradients, tables)
        try await noteSent(calls)
        let outcomes = await withTaskGroup(of: (Int, Result<PushResponse, MeshError>).self) { group in
            for (index, call) in calls.enumerated() { group.addTask { (index, await self.send(call)) } }
            var outcomes: [Result<PushResponse, MeshError>?] = Array(repeating: nil, count: calls.count)
            for await (index, outcome) in group { outcomes[index] = outcome }
            return outcomes.compactMap { $0 }
        }
        var report = PushReport()
        for (call, outcome) in zip(calls, outcomes) { settle(call, outcome, in: &report) }
        await observer.afterAcknowledgement(report.acknowledged.map(\.push))
        return report
    }

    /// Closes the connections to the servers.
    public func close() { clients.close() }

    private func declaredTables() throws(ParameterServerError) -> TableSet {
        guard let tables = state.withLock({ $0.tables }) else {
            throw ParameterServerError(.unknownParameter, "no table has been declared by this client")
        }
        return tables
    }

    // MARK: A step on its way

    /// One call's pushes.
    private struct Call: Sendable {
        var server: ServerRecord
        var pushes: [PushIdentity]
        var request: PushRequest
        var deduplication: Deduplication
    }

    private func check(_ gradients: NamedTensors, _ tables: TableSet) throws(ParameterServerError) {
        for name in gradients.names where !tables.tables.contains(where: { $0.name == name }) {
            throw ParameterServerError(.unknownParameter, "there is a gradient of \(name), which is not declared")
        }
        for table in tables.tables {
            guard let gradient = gradients[table.name] else {
                throw ParameterServerError(.unknownParameter, "there is no gradient of \(table.name)")
            }
            guard gradient.dtype == .float32 else {
                throw ParameterServerError(
                    .dtypeMismatch, "the gradient of \(table.name) is \(gradient.dtype), expected float32")
            }
            guard gradient.shape == table.shape else {
                throw ParameterServerError(
                    .shapeMismatch, "the gradient of \(table.name) is \(gradient.shape), expected \(table.shape)")
            }
        }
        guard configuration.checksBeforeSend else { return }
        for (name, gradient) in gradients {
            guard let index = try? gradient.firstNonFinite() else { continue }
            throw ParameterServerError(
                .nonFinite, "element \(index) of the gradient of \(name) is not finite; nothing of the step was sent")
        }
    }

    /// Numbers the pushes and cuts the gradients, without copying them.
    private func prepare(_ gradients: NamedTensors, _ tables: TableSet) throws(ParameterServerError) -> [Call] {
        var flat: [AnyTensor] = []
        for table in tables.tables {
            do throws(TensorError) {
                flat.append(
                    try gradients.tensor(named: table.name).withoutTrace().reshaped(to: Shape([table.shape.elementCount])))
            } catch {
                throw ParameterServerError(
                    .shapeMismatch, "the gradient of \(table.name) cannot be sent: \(error.message)", cause: error)
            }
        }
        var calls: [Call] = []
        for share in tables.shares {
            var call = Call(
                server: share.server, pushes: [], request: PushRequest(slot: session.slot),
                deduplication: Deduplication(session: session.id, entries: []))
            for place in share.places {
                let (number, basis) = state.withLock { state in
                    (state.numbers.next(for: place.id), state.basis[place.id])
                }
                call.pushes.append(
                    PushIdentity(
                        session: session.id, partition: place.id, name: place.name, sequence: number.sequence))
                call.deduplication.entries.append(
                    Deduplication.Entry(
                        scope: place.id.rawValue, sequence: number.sequence,
                        acknowledgedThrough: number.acknowledgedThrough))
                call.request.entries.append(
                    PushRequest.Entry(
                        partition: place.id, increment: 1, basis: basis ?? PartitionVersion(epoch: 1, applied: 0)))
                do throws(TensorError) {
                    call.request.gradients.append(Segment(try flat[place.table].sliced(axis: 0, place.elements)))
                } catch {
                    preconditionFailure("partition \(place.name) is no part of its table: \(error)")
                }
            }
            calls.append(call)
        }
        return calls
    }

    private func noteSent(_ calls: [Call]) async throws {
        do {
            try await observer.beforeFirstAttempt(calls.flatMap(\.pushes))
        } catch {
            // They never leave: later pushes must not wait for their answers.
            for call in calls { settle(call.pushes) }
            throw error
        }
    }

    private func send(_ call: Call) async -> Result<PushResponse, MeshError> {
        do throws(MeshError) {
            return .success(
                try await clients.client(of: call.server).call(
                    ParameterService.push, call.request, timeout: configuration.timeout,
                    deduplication: call.deduplication))
        } catch {
            return .failure(error)
        }
    }

    /// Adds a call's outcome to the report. Whatever it is, its pushes are settled: they are never sent again.
    private func settle(_ call: Call, _ outcome: Result<PushResponse, MeshError>, in report: inout PushReport) {
        settle(call.pushes)
        let peer = call.server.identity.description
        switch outcome {
        case .failure(let error):
            let error = ParameterServerError(error)
            report.failed += call.pushes.map { PushReport.Failure(push: $0, error: error) }
        case .success(let response):
            guard response.replies.map(\.partition) == call.pushes.map(\.partition) else {
                let error = ParameterServerError(
                    .callFailed, "\(call.pushes.count) pushes were sent, the answers are not theirs", peer: peer)
                report.failed += call.pushes.map { PushReport.Failure(push: $0, error: error) }
                return
            }
            for (push, reply) in zip(call.pushes, response.replies) {
                switch reply.outcome {
                case .applied:
                    state.withLock { $0.seen[push.partition] = max($0.seen[push.partition] ?? reply.version, reply.version) }
                    report.acknowledged.append(
                        PushReport.Acknowledgement(
                            push: push, version: reply.version, durability: reply.durability,
                            staleness: reply.staleness, isReplay: reply.isReplay))
                case .refused(let code, let message):
                    report.failed.append(
                        PushReport.Failure(push: push, error: ParameterServerError(code, message, peer: peer)))
                }
            }
        }
    }

    private func settle(_ pushes: [PushIdentity]) {
        state.withLock { state in
            for push in pushes { state.numbers.settle(push.sequence, of: push.partition) }
        }
    }
}
