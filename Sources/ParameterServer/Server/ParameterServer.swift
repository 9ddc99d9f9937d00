public import Coordination
import Identity
public import Logging
public import MeshTransport
import MeshWire
import NIOCore
import Synchronization

/// A server that hosts partitions of tables: applies pushes, answers pulls, gives account.
///
/// ```swift
/// let server = try ParameterServer(named: "server-0", on: mesh, coordination: coordination)
/// let address = try await mesh.listen(host: "127.0.0.1", port: 0)
/// try await server.register(at: address)
/// ```
/// It makes a partition when it is first asked for one that the coordinator has placed on it. Without
/// ``ParameterServerConfiguration/log`` everything is in memory, and a server that ends takes its partitions with it;
/// with one, a server that starts again under its name goes on with all that it has acknowledged. Safe to use from any
/// task.
public final class ParameterServer: Sendable {
    /// The name in the partition map.
    public let name: String
    let mesh: Mesh
    let coordination: any ServerCoordination
    let configuration: ParameterServerConfiguration
    let logger: Logger
    let hosted: HostedPartitions
    let meter: ApplyMeter
    let functionMeter: FunctionMeter
    let credit: PushCredit
    /// `nil` where the configuration names no folder.
    let checkpoints: ServerCheckpoints?
    /// What is kept for readers.
    let snapshots: ServerSnapshots
    let watch: ServerWatch
    private let tables: TableGuard
    let life: UInt64
    private let lease = Mutex<Task<Void, Never>?>(nil)
    /// Ends with this life of the server.
    let ended = AsyncStream<Void>.makeStream()
    private let isDraining = Atomic(false)
    private let isOver = Atomic(false)

    /// Makes a server and has `mesh` answer its methods: see ``ParameterService`` and
    /// ``/Coordination/SessionFencing``. Until ``register(at:)`` returns, pushes and pulls are refused with
    /// ``ParameterServerError/Code/notRegistered`` and may come again.
    ///
    /// - Parameter functions: what workers may call by name. Default: none.
    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``, also for a function that is there twice.
    public convenience init(
        named name: String, on mesh: Mesh, coordination: CoordinationClient,
        configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        functions: [RegisteredFunction] = [],
        logger: Logger = Logger(label: "meshwork.parameter-server")
    ) throws(ParameterServerError) {
        try self.init(
            name: name, mesh: mesh, life: mesh.runtime.randomBits(), coordination: coordination,
            configuration: configuration, functions: functions, logger: logger)
        mesh.serve(SessionFencing.fence) { order, call in
            do throws(ParameterServerError) {
                return try await self.take(order, until: call.deadline)
            } catch {
                throw error.callFailure(.unavailable)
            }
        }
        mesh.serveInline(SessionFencing.probe) { _, _ in ServerLife(name: self.name, life: self.life) }
    }

    /// Makes a server that needs no other process: `coordinator`, in this one and on the same mesh, issues its sessions
    /// and declares its tables, and has to run for as long.
    ///
    /// ```swift
    /// let coordinator = try await Coordinator(on: mesh)
    /// let server = try ParameterServer(standalone: coordinator)
    /// let address = try await mesh.listen(host: "127.0.0.1", port: 0)
    /// try await server.register(at: address)
    /// try await ServiceGroup(services: [mesh, coordinator], logger: logger).run()
    /// ```
    /// Clients find both at the same address. Other servers may register with the coordinator too.
    /// - Parameter functions: what workers may call by name. Default: none.
    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``, also for a function that is there twice.
    public convenience init(
        standalone coordinator: Coordinator, named name: String = "server",
        configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        functions: [RegisteredFunction] = [],
        logger: Logger = Logger(label: "meshwork.parameter-server")
    ) throws(ParameterServerError) {
        let coordination = LocalCoordination(coordinator)
        let life = coordination.mesh.runtime.randomBits()
        try self.init(
            name: name, mesh: coordination.mesh, life: life, coordination: coordination, configuration: configuration,
            functions: functions, logger: logger)
        coordination.giveFences(toLife: life) { [weak self] order in
            guard let self else { return FenceReport(applied: []) }
            let deadline = mesh.runtime.now.advanced(by: Self.localFenceTimeout)
            return (try? await take(order, until: deadline)) ?? FenceReport(applied: [])
        }
    }

    private init(
        name: String, mesh: Mesh, life: UInt64, coordination: any ServerCoordination,
        configuration: ParameterServerConfiguration, functions: [RegisteredFunction], logger: Logger
    ) throws(ParameterServerError) {
        try configuration.validate()
        let functions = try ServerFunctions(functions)
        self.name = name
        self.mesh = mesh
        self.coordination = coordination
        self.configuration = configuration
        self.logger = logger
        meter = ApplyMeter(mesh.metrics, runtime: mesh.runtime)
        functionMeter = FunctionMeter(functions, mesh.metrics)
        credit = PushCredit(limit: configuration.unansweredPushBytes, mesh.metrics)
        tables = TableGuard(configuration.tablePolicy, mesh.metrics)
        self.life = life
        hosted = HostedPartitions(
            server: name, life: life, coordination: coordination, configuration: configuration,
            functions: functions, meter: meter, logger: logger)
        let hosted = hosted
        snapshots = ServerSnapshots(configuration.snapshots, hosted, on: mesh)
        watch = ServerWatch(hosted, snapshots, logger: logger)
        checkpoints = configuration.checkpoints.map { ServerCheckpoints($0, hosted, on: mesh.runtime) }
        mesh.setReady(readinessName, false)
        // A partition's ledger remembers its pushes.
        mesh.serve(ParameterService.push, execution: .onLoop, deduplicated: .handler) { request, call in
            try await self.push(request, call)
        }
        mesh.serve(ParameterService.pull, execution: .onLoop) { request, call in try await self.pull(request, call) }
        mesh.serve(ParameterService.call, execution: .onLoop, deduplicated: .handler) { request, call in
            try await self.call(request, call)
        }
        mesh.serve(ParameterService.query, execution: .compute) { request, call in
            try await self.query(request, call)
        }
        mesh.serve(ParameterService.tick, execution: .onLoop) { request, call in try await self.tick(request, call) }
        mesh.serve(ParameterService.snapshot, execution: .compute) { request, call in
            try await self.snapshot(request, call)
        }
        mesh.serve(ParameterService.checkpoint, execution: .compute) { order, call in
            try await self.checkpoint(order, call)
        }
        mesh.serve(ParameterService.restore, execution: .compute) { order, call in
            try await self.restore(order, call)
        }
        mesh.serve(ParameterService.audit, execution: .compute) { _, call in
            let accounts = AuditResponse(try await self.audit(call))
            guard Payload(accounts).count <= mesh.limits.messageHeadBytes else {
                throw CallFailure(
                    .failedPrecondition, "the accounts are too many for one message: ask for them in parts")
            }
            return accounts
        }
        mesh.serve(ParameterService.auditInParts, execution: .compute) { _, parts, call in
            let bytes = min(AuditResponse.partBytes, mesh.limits.messageHeadBytes / 2)
            for part in try await self.audit(call).parts(ofBytes: bytes, { Payload($0).count + 4 }) {
                try await parts.send(AuditResponse(part))
            }
        }
        serveRounds()
        mesh.serve(ReplicationService.chain, execution: .onLoop) { messages, replies, call in
            try await self.hosted.replication.serve(messages, replies, call)
        }
    }

    /// Reads the log, if there is one, makes the server known to its coordinator and takes the fence that is in force.
    ///
    /// - Parameter address: where others reach the mesh's listener.
    /// - Throws: ``ParameterServerError/Code/logFailed`` for a log that is damaged or in use, before the coordinator
    ///   hears of this life; ``ParameterServerError/Code/coordination``.
    public func register(at address: ListenerAddress) async throws(ParameterServerError) {
        try await hosted.recover()
        let fence = try await introduce(at: address)
        _ = await hosted.install(fence, reportOn: nil)
        hosted.serverIsRegistered()
        await hosted.hostRecovered()
        keepLease(at: address)
        mesh.setReady(readinessName, true)
        logger.info("server registered", metadata: ["server": "\(name)", "address": "\(address)"])
    }

    /// Tells the coordinator of the server and of what its log had; returns the fence to begin with.
    private func introduce(at address: ListenerAddress) async throws(ParameterServerError) -> SessionFence {
        while true {
            let recovered = try await hosted.beginRecovered()
            do throws(CoordinationError) {
                return try await coordination.registerServer(
                    named: name, at: address, life: life, functions: hosted.functions.names,
                    recovered: recovered.partitions, mapVersion: recovered.mapVersion)
            } catch {
                // Others have registered since, and it heads what they left.
                guard error.code == .mapChanged, (try? await mesh.runtime.sleep(for: .milliseconds(20))) != nil else {
                    throw ParameterServerError(error)
                }
            }
        }
    }

    /// Ends the server's part in the chains of partitions and lets go of the log: another may open the log then. The
    /// coordinator has this one lost when its lease is over, unless ``drain()`` has told it.
    public func close() async {
        mesh.setReady(readinessName, false)
        let task = lease.withLock { lease in
            defer { lease = nil }
            return lease
        }
        task?.cancel()
        await task?.value
        await hosted.closeLog()
    }

    /// Gives signs of life from now on and takes part in the chains of partitions, until ``close()``, the mesh's end,
    /// or that of this life of the server; then it serves nothing any more. On an event loop, as little of it computes.
    private func keepLease(at address: ListenerAddress) {
        let signs = coordination.keepServer(
            named: name, at: address, life: life, functions: hosted.functions.names, logger: logger,
            mayReturn: { [weak self] in self.map { !$0.isDraining.load(ordering: .relaxed) } ?? false }
        ) { [hosted] fence in
            _ = await hosted.install(fence, reportOn: nil)
        }
        let runtime = mesh.runtime
        let executor = runtime.loopExecutor(for: runtime.eventLoopGroup.next())
        let task = runtime.spawn(on: executor) { [weak self, hosted, watch] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await hosted.replication.run() }
                // What it hears closes rounds, which computes.
                group.addTask(executorPreference: runtime.computeExecutor) { await hosted.rounds.run() }
                group.addTask(executorPreference: runtime.computeExecutor) { await watch.run() }
                group.addTask {
                    await withTaskCancellationHandler {
                        await signs.value
                    } onCancel: {
                        signs.cancel()
                    }
                }
                await group.next()
                group.cancelAll()
            }
            for partition in hosted.all { hosted.discard(partition) }
            // Not where it was closed, has registered again, or is leaving.
            if !Task.isCancelled, let self, !isDraining.load(ordering: .relaxed) { end() }
        }
        lease.withLock { lease in
            lease?.cancel()
            lease = task
        }
    }

    /// This life of the server is over.
    private func end() {
        mesh.setReady(readinessName, false)
        isOver.store(true, ordering: .relaxed)
        ended.continuation.finish()
    }

    /// Whether this life of the server is over, without having been closed.
    var hasEnded: Bool { isOver.load(ordering: .relaxed) }

    /// Whether nobody drains the server yet.
    func beginsToDrain() -> Bool { !isDraining.exchange(true, ordering: .relaxed) }

    /// What ``/MeshTransport/Mesh/readiness`` calls it.
    var readinessName: String { "parameter server \(name)" }

    /// Puts a fence in force, and says what a session had applied: as far as the log and the followers have it, since
    /// the session's successor builds on that.
    private func take(
        _ order: FenceOrder, until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> FenceReport {
        let applied = await hosted.install(order.fence, reportOn: order.reportOn)
        if order.reportOn != nil { try await hosted.confirmed(until: deadline) }
        return FenceReport(applied: applied, bytes: mesh.limits.messageHeadBytes / 2)
    }

    /// How long a server waits for its log before it reports to a coordinator in its own process.
    private static let localFenceTimeout = Duration.seconds(2)

    /// Why `peer` may not do `verb` with the partition's table, or `nil`.
    ///
    /// - Parameter function: what is called.
    func denial(
        _ verb: TablePolicy.Verb, _ partition: Partition, _ peer: SPIFFEID?, function: FunctionID? = nil
    ) -> ParameterServerError? {
        denial(verb, table: partition.name.table, peer, function: function)
    }

    /// Why `peer` may not do `verb` with the table of this name, or `nil`.
    func denial(
        _ verb: TablePolicy.Verb, table: String, _ peer: SPIFFEID?, function: FunctionID? = nil
    ) -> ParameterServerError? {
        tables.denial(verb, table: table, function: function?.name, peer: peer).map {
            ParameterServerError(.notAllowed, $0)
        }
    }

    /// The answer to a call that the table policy refuses, which it also says to the log.
    func refusal(_ denial: ParameterServerError, of verb: TablePolicy.Verb, _ call: CallContext) -> CallFailure {
        logger.warning(
            "call refused",
            metadata: [
                "server": "\(name)", "peer": "\(call.peer?.description ?? "none")", "verb": "\(verb)",
                "code": "\(denial.code)", "error": "\(denial.message)",
            ])
        return denial.callFailure(.permissionDenied)
    }

    private func audit(_ call: CallContext) async throws -> [PartitionAccount] {
        var accounts: [PartitionAccount] = []
        let partitions = hosted.headed
        for partition in partitions {
            if let denial = denial(.audit, partition, call.peer) { throw refusal(denial, of: .audit, call) }
        }
        for partition in partitions {
            guard let account = await partition.account() else {
                throw CallFailure(
                    .unavailable, "busy: partition \(partition.name): too many pushes wait", hasNotRun: true)
            }
            accounts.append(account)
        }
        return accounts
    }
}
