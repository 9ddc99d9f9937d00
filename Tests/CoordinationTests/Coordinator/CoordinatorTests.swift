import Coordination
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Testing

@Suite struct CoordinatorTests {
    /// A coordinator in a simulation, and the processes that speak to it.
    private struct Job: Sendable {
        let runtime: SimulatedRuntime
        let coordinator: Coordinator
        private let authority: TestAuthority
        private let address: ListenerAddress

        init(_ runtime: SimulatedRuntime) async throws {
            self.runtime = runtime
            authority = try TestAuthority(runtime: runtime)
            let mesh = try Self.mesh(authority, runtime, "/coordinator")
            var configuration = CoordinatorConfiguration()
            configuration.slots = 2
            configuration.lease = .seconds(6)
            coordinator = try await Coordinator(on: mesh, configuration: configuration, logger: TestLog.silent)
            address = try await mesh.listen(host: "127.0.0.1", port: 0)
        }

        func client(_ path: String, faults: (any FaultInjector)? = nil) throws -> CoordinationClient {
            let identity = try IdentityPattern.exact(authority.id("/coordinator"))
            return CoordinationClient(
                try mesh(path, faults: faults),
                coordinator: Destination(host: address.host, port: address.port, identities: [identity]))
        }

        func mesh(_ path: String, faults: (any FaultInjector)? = nil) throws -> Mesh {
            try Self.mesh(authority, runtime, path, faults)
        }

        private static func mesh(
            _ authority: TestAuthority, _ runtime: SimulatedRuntime, _ path: String,
            _ faults: (any FaultInjector)? = nil
        ) throws -> Mesh {
            var configuration = MeshConfiguration()
            configuration.faults = faults
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            return try Mesh(
                configuration: configuration, identity: authority.identity(path), policy: policy, runtime: runtime,
                logger: TestLog.silent)
        }
    }

    /// Loses the first renewals, or their answers. Guarded by a mutex.
    private final class LostRenewals: FaultInjector {
        enum Loss: CaseIterable {
            case request, reply
        }
        private let loss: Loss
        private let left: Mutex<Int>
        var remaining: Int { left.withLock { $0 } }

        init(_ count: Int, of loss: Loss) {
            self.loss = loss
            left = Mutex(count)
        }

        func fate(ofRequest path: String) -> MessageFate { fate(path, .request) }
        func fate(ofReply path: String) -> MessageFate { fate(path, .reply) }

        private func fate(_ path: String, _ message: Loss) -> MessageFate {
            guard path == "meshwork.Coordination/RenewSession", message == loss else { return .deliver }
            return left.withLock { left in
                guard left > 0 else { return .deliver }
                left -= 1
                return .lose
            }
        }
    }

    private static func simulate(_ body: @escaping @Sendable @concurrent (Job) async throws -> Void) async throws {
        try await SimulatedRuntime.run(seed: 11) { runtime in try await body(try await Job(runtime)) }
    }

    @Test("a worker opens a session, renews it and closes it")
    func lifeOfASession() async throws {
        try await Self.simulate { job in
            let client = try job.client("/worker/0")
            let session = try await client.openSession()
            #expect(session.slot == 0)
            #expect(session.predecessor == nil)
            #expect(session.lease == .seconds(6))
            #expect(try await client.fetchFence().entry(for: 0)?.session == session.id)
            try await client.close(session)
            #expect(job.coordinator.fence.entry(for: 0)?.hasEnded == true)
            let next = try await client.openSession(slot: 0)
            #expect(next.id > session.id)
            #expect(next.predecessor?.session == session.id)
        }
    }

    @Test("a refusal reaches the client with its code, its words and who said it")
    func refusals() async throws {
        try await Self.simulate { job in
            let (first, second) = (try job.client("/worker/0"), try job.client("/worker/1"))
            _ = try await first.openSession(slot: 0)
            let taken = await #expect(throws: CoordinationError.self) { try await second.openSession(slot: 0) }
            #expect(taken?.code == .slotTaken)
            #expect(taken?.message == "slot 0 has a living session of spiffe://test.example/worker/0")
            #expect(taken?.peer == "spiffe://test.example/coordinator")
            let outside = await #expect(throws: CoordinationError.self) { try await second.openSession(slot: 9) }
            #expect(outside?.code == .slotOutOfRange)
            let table = TableRequest(name: "w", declaration: [1], partitionByteCounts: [4])
            let early = await #expect(throws: CoordinationError.self) { try await second.declare([table]) }
            #expect(early?.code == .tooFewServers)
        }
    }

    @Test("a session that is not renewed ends with its lease; one that is kept alive does not")
    func leases() async throws {
        try await Self.simulate { job in
            try await withThrowingTaskGroup { group in
                group.addTask { try await job.coordinator.run() }
                let client = try job.client("/worker/0")
                let kept = try await client.openSession(slot: 0)
                let left = try await client.openSession(slot: 1)
                group.addTask { try? await client.keepAlive(kept) }
                try await job.runtime.sleep(for: .seconds(9))
                let fence = try await client.fetchFence()
                #expect(fence.entry(for: 0)?.hasEnded == false)
                #expect(fence.entry(for: 1)?.session == left.id)
                #expect(fence.entry(for: 1)?.hasEnded == true)
                group.cancelAll()
            }
        }
    }

    @Test(
        "a session outlives two renewals in a row that are lost, or whose answers are",
        arguments: LostRenewals.Loss.allCases, [1, 2])
    private func lostRenewals(loss: LostRenewals.Loss, count: Int) async throws {
        try await Self.simulate { job in
            try await withThrowingTaskGroup { group in
                group.addTask { try await job.coordinator.run() }
                let faults = LostRenewals(count, of: loss)
                let client = try job.client("/worker/0", faults: faults)
                let session = try await client.openSession(slot: 0)
                group.addTask { try await client.keepAlive(session) }
                try await job.runtime.sleep(for: .seconds(20))
                #expect(faults.remaining == 0)
                #expect(job.coordinator.fence.entry(for: 0)?.session == session.id)
                #expect(job.coordinator.fence.entry(for: 0)?.hasEnded == false)
                group.cancelAll()
            }
        }
    }

    @Test("who keeps a session alive learns that it was fenced")
    func keeperLearns() async throws {
        try await Self.simulate { job in
            let client = try job.client("/worker/0")
            let old = try await client.openSession(slot: 0)
            let error = await #expect(throws: CoordinationError.self) {
                async let kept: Void = client.keepAlive(old)
                _ = try await client.openSession(slot: 0)
                try await kept
            }
            #expect(error?.code == .sessionFenced)
        }
    }

    @Test("losing its session cancels what was done under it")
    func losingASession() async throws {
        try await Self.simulate { job in
            let client = try job.client("/worker/0")
            let error = await #expect(throws: CoordinationError.self) {
                try await client.withSession(slot: 0) { _ in
                    _ = try await client.openSession(slot: 0)
                    try await job.runtime.sleep(for: .seconds(3_000))
                }
            }
            #expect(error?.code == .sessionFenced)
            #expect(job.runtime.now < RuntimeInstant(nanoseconds: 60_000_000_000))
        }
    }

    @Test("a server registers as who it is, and gets the fence")
    func serverRegisters() async throws {
        try await Self.simulate { job in
            let worker = try job.client("/worker/0")
            let session = try await worker.openSession(slot: 1)
            let address = try await job.mesh("/server/a").listen(host: "127.0.0.1", port: 0)
            let fence = try await job.client("/server/a").registerServer(named: "a", at: address, life: 1)
            #expect(fence.entry(for: 1)?.session == session.id)
            #expect(job.coordinator.map.server(named: "a")?.identity.path == "/server/a")
            let other = try job.client("/server/b")
            let error = await #expect(throws: CoordinationError.self) {
                try await other.registerServer(named: "a", at: address, life: 1)
            }
            #expect(error?.code == .notOwner)
        }
    }

    @Test("without a coordinator every call ends with an error that names it")
    func unreachable() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let mesh = try Mesh(
                identity: authority.identity("/worker/0"), policy: .denyAll, runtime: runtime, logger: TestLog.silent)
            let identity = try IdentityPattern.exact(authority.id("/coordinator"))
            let client = CoordinationClient(
                mesh, coordinator: Destination(host: "127.0.0.1", port: 1, identities: [identity]))
            let error = await #expect(throws: CoordinationError.self) { try await client.openSession() }
            #expect(error?.code == .callFailed)
            #expect(error?.peer == "127.0.0.1:1")
        }
    }
}
