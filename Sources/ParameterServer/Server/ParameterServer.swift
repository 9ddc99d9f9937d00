public import Coordination
import Identity
public import Logging
public import MeshTransport
import MeshWire
import Tensor

/// A server that hosts partitions of tables: applies pushes, answers pulls, gives account.
///
/// ```swift
/// let server = try ParameterServer(named: "server-0", on: mesh, coordination: coordination)
/// let address = try await mesh.listen(host: "127.0.0.1", port: 0)
/// try await server.register(at: address)
/// ```
/// It makes a partition when it is first asked for one that the coordinator has placed on it. Everything is in memory:
/// a server that ends takes its partitions with it. Safe to use from any task.
public final class ParameterServer: Sendable {
    /// The name in the partition map.
    public let name: String
    private let mesh: Mesh
    private let coordination: CoordinationClient
    private let configuration: ParameterServerConfiguration
    private let logger: Logger
    private let hosted: HostedPartitions
    private let meter: ApplyMeter
    private let life: UInt64

    /// Makes a server and has `mesh` answer its methods: see ``ParameterService`` and
    /// ``/Coordination/SessionFencing``. Nobody calls it before ``register(at:)``.
    ///
    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``.
    public init(
        named name: String, on mesh: Mesh, coordination: CoordinationClient,
        configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        logger: Logger = Logger(label: "meshwork.parameter-server")
    ) throws(ParameterServerError) {
        try configuration.validate()
        self.name = name
        self.mesh = mesh
        self.coordination = coordination
        self.configuration = configuration
        self.logger = logger
        meter = ApplyMeter(mesh.metrics, runtime: mesh.runtime)
        life = mesh.runtime.randomBits()
        hosted = HostedPartitions(
            server: name, coordination: coordination, configuration: configuration, meter: meter)
        mesh.serve(SessionFencing.fence) { order, _ in try await self.fence(order) }
        mesh.serve(ParameterService.push, execution: .onLoop) { request, call in try await self.push(request, call) }
        mesh.serve(ParameterService.pull, execution: .onLoop) { request, call in try await self.pull(request, call) }
        mesh.serve(ParameterService.audit, execution: .compute) { _, _ in try await self.audit() }
    }

    /// Makes the server known to its coordinator and takes the fence that is in force.
    ///
    /// - Parameter address: where others reach the mesh's listener.
    /// - Throws: ``ParameterServerError/Code/coordination``.
    public func register(at address: ListenerAddress) async throws(ParameterServerError) {
        let fence: SessionFence
        do throws(CoordinationError) {
            fence = try await coordination.registerServer(named: name, at: address, life: life)
        } catch {
            throw ParameterServerError(error)
        }
        _ = try await hosted.install(fence, reportOn: nil)
        logger.info("server registered", metadata: ["server": "\(name)", "address": "\(address)"])
    }

    private func fence(_ order: FenceOrder) async throws -> FenceReport {
        do throws(ParameterServerError) {
            return FenceReport(applied: try await hosted.install(order.fence, reportOn: order.reportOn))
        } catch {
            throw error.callFailure(.unavailable)
        }
    }

    private func audit() async throws -> AuditResponse {
        var accounts: [PartitionAccount] = []
        for partition in hosted.all {
            guard let account = await partition.account() else {
                throw CallFailure(.unavailable, "busy: partition \(partition.name): too many pushes wait", hasNotRun: true)
            }
            accounts.append(account)
        }
        return AuditResponse(accounts)
    }

    // MARK: Pushing

    private func push(_ request: PushRequest, _ call: CallContext) async throws -> PushResponse {
        let pushes = try Self.pushes(of: request, call)
        guard let first = pushes.first else { return PushResponse([]) }
        do throws(ParameterServerError) {
            if let refusal = try await hosted.refusal(of: first.push.session, slot: first.push.slot, peer: first.push.peer) {
                return PushResponse(pushes.map { refuse($0.partition, refusal.code, refusal.message) })
            }
        } catch {
            throw error.callFailure(.unavailable)
        }
        // What is small and not contended is applied here, on the loop; the rest takes turns on the compute pool.
        var replies = pushes.map(pushIfFree)
        let rest = replies.indices.filter { replies[$0] == nil }
        guard !rest.isEmpty else { return PushResponse(replies.compactMap { $0 }) }
        let later = await withTaskExecutorPreference(mesh.runtime.computeExecutor) {
            await withTaskGroup(of: (Int, PushReply).self) { group in
                for index in rest { group.addTask { (index, await self.takeTurn(pushes[index])) } }
                var later: [(Int, PushReply)] = []
                for await reply in group { later.append(reply) }
                return later
            }
        }
        for (index, reply) in later { replies[index] = reply }
        return PushResponse(replies.compactMap { $0 })
    }

    private func pushIfFree(_ arrived: ArrivedPush) -> PushReply? {
        guard arrived.push.gradient.byteCount <= configuration.bytesAppliedOnLoop else { return nil }
        return hosted.known(arrived.partition)?.pushIfFree(arrived.push)
    }

    private func takeTurn(_ arrived: ArrivedPush) async -> PushReply {
        do throws(ParameterServerError) {
            return try await hosted.partition(arrived.partition).push(arrived.push)
        } catch {
            return refuse(arrived.partition, error.code, error.message)
        }
    }

    /// A refusal that no partition was asked for.
    private func refuse(_ partition: PartitionID, _ code: ParameterServerError.Code, _ message: String) -> PushReply {
        let reply = PushReply(
            partition: partition, outcome: .refused(code, message), version: PartitionVersion(epoch: 0, applied: 0))
        meter.count(reply)
        return reply
    }

    private struct ArrivedPush: Sendable {
        var partition: PartitionID
        var push: PartitionPush
    }

    /// The request's pushes with their sequence numbers; throws if the two do not fit each other.
    private static func pushes(of request: PushRequest, _ call: CallContext) throws(CallFailure) -> [ArrivedPush] {
        func malformed(_ message: String) -> CallFailure {
            ParameterServerError(.malformedRequest, message).callFailure(.invalidArgument)
        }
        guard let peer = call.peer else { throw malformed("the caller has proved no identity") }
        guard let deduplication = call.deduplication else { throw malformed("the pushes have no session") }
        guard deduplication.entries.map(\.scope) == request.entries.map(\.partition.rawValue) else {
            throw malformed("the sequence numbers are of other partitions than the gradients")
        }
        guard Set(request.entries.map(\.partition)).count == request.entries.count else {
            throw malformed("a partition occurs twice in a step")
        }
        var pushes: [ArrivedPush] = []
        for (index, entry) in request.entries.enumerated() {
            let numbers = deduplication.entries[index]
            let gradient: AnyTensor
            do throws(TensorError) {
                gradient = try request.gradients[index].floats()
            } catch {
                throw malformed("partition \(entry.partition): \(error.message)")
            }
            pushes.append(
                ArrivedPush(
                    partition: entry.partition,
                    push: PartitionPush(
                        session: deduplication.session, slot: request.slot, peer: peer, sequence: numbers.sequence,
                        acknowledgedThrough: numbers.acknowledgedThrough, gradient: gradient,
                        increment: entry.increment, basis: entry.basis)))
        }
        return pushes
    }

    // MARK: Pulling

    private func pull(_ request: PullRequest, _ call: CallContext) async throws -> PullResponse {
        var response = PullResponse()
        for entry in request.entries {
            let (parameters, version) = try await pull(entry, call)
            response.versions.append(version)
            response.parameters.append(Segment(parameters))
        }
        return response
    }

    private func pull(
        _ entry: PullRequest.Entry, _ call: CallContext
    ) async throws(CallFailure) -> (AnyTensor, PartitionVersion) {
        if let found = hosted.known(entry.partition)?.pullIfFree(), found.1 >= entry.minimum { return found }
        let runtime = mesh.runtime
        let result = await withTaskExecutorPreference(runtime.computeExecutor) {
            () async -> Result<(AnyTensor, PartitionVersion), ParameterServerError> in
            do throws(ParameterServerError) {
                let partition = try await hosted.partition(entry.partition)
                guard await partition.reaches(entry.minimum, before: call.deadline, on: runtime) else {
                    return .failure(
                        ParameterServerError(
                            .versionNotReached, "partition \(partition.name) did not reach version \(entry.minimum)"))
                }
                guard let found = await partition.pull() else {
                    return .failure(ParameterServerError(.busy, "partition \(partition.name): too many pulls wait"))
                }
                return .success(found)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let found): return found
        case .failure(let error): throw error.callFailure(error.code.status)
        }
    }
}

extension ParameterServerError.Code {
    /// The status of a pull that failed so.
    fileprivate var status: CallStatus {
        switch self {
        case .unknownParameter: .notFound
        case .versionNotReached: .deadlineExceeded
        case .busy, .coordination: .unavailable
        default: .internalError
        }
    }
}
