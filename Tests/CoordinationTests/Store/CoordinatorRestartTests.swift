import Coordination
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

/// A coordinator that is stopped, or whose machine crashes, and that begins again in the same folder at the same address.
@Suite(.timeLimit(.minutes(5))) struct CoordinatorRestartTests {
    /// A coordinator's machine, and the processes that speak to it.
    private final class Job: Sendable {
        static let port = 4_000

        let runtime: SimulatedRuntime
        let machine: SimulatedHost
        private let authority: TestAuthority

        init(_ runtime: SimulatedRuntime) throws {
            self.runtime = runtime
            machine = runtime.host("coordinator")
            authority = try TestAuthority(runtime: runtime)
        }

        /// A life of the coordinator.
        func start() async throws -> (coordinator: Coordinator, mesh: Mesh) {
            let mesh = try mesh("/coordinator", on: machine)
            var configuration = CoordinatorConfiguration()
            configuration.slots = 3
            configuration.lease = .seconds(6)
            configuration.restartGrace = .seconds(4)
            configuration.folder = "coordination"
            let coordinator = try await Coordinator(on: mesh, configuration: configuration, logger: TestLog.silent)
            _ = try await mesh.listen(host: "127.0.0.1", port: Self.port)
            return (coordinator, mesh)
        }

        func client(_ path: String) throws -> CoordinationClient {
            CoordinationClient(
                try mesh(path, on: runtime),
                coordinator: try Destination(
                    host: "127.0.0.1", port: Self.port, identities: [.exact(authority.id("/coordinator"))]))
        }

        func identity(_ path: String) throws -> SPIFFEID { try authority.id(path) }

        func mesh(_ path: String, on runtime: any Runtime) throws -> Mesh {
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            return try Mesh(
                identity: authority.identity(path), policy: policy, runtime: runtime, logger: TestLog.silent)
        }
    }

    private static let table = TableRequest(name: "w", declaration: [1, 2], partitionByteCounts: [400, 100])

    private static func simulate(
        seed: UInt64 = 11, _ body: @escaping @Sendable @concurrent (Job) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in try await body(try Job(runtime)) }
    }

    @Test(
        "after a crash of its machine sessions, servers, tables and epochs are as before, and numbers go on",
        arguments: 1...10 as ClosedRange<UInt64>)
    func goesOn(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job in
            let (before, mesh) = try await job.start()
            let (worker, server) = (try job.client("/worker/0"), try job.client("/server/a"))
            let address = try await job.mesh("/server/a", on: job.runtime).listen(host: "127.0.0.1", port: 0)
            _ = try await server.registerServer(named: "a", at: address, life: 1)
            let map = try await worker.declare([Self.table])
            _ = try await server.registerServer(named: "a", at: address, life: 2)
            let first = try await worker.openSession(slot: 0)
            let second = try await worker.openSession(slot: 0)
            let closed = try await worker.openSession(slot: 1)
            try await worker.close(closed)
            let (oldMap, oldFence) = (before.map, before.fence)
            await mesh.stop()
            job.machine.disk.crash()

            let (after, _) = try await job.start()
            #expect(after.map == oldMap)
            #expect(after.fence == oldFence)
            #expect(after.map.tables.first?.partitions.map(\.epoch) == [2, 2])
            let again = try await worker.declare([
                Self.table, TableRequest(name: "v", declaration: [3], partitionByteCounts: [9]),
            ])
            #expect(again.tables.flatMap(\.partitions).map(\.id.rawValue) == [1, 2, 3])
            #expect(again.version > map.version)
            #expect(
                after.fence.decision(for: first.id, slot: 0, peer: try job.identity("/worker/0"))
                    == .fenced(by: second.id))
            let next = try await worker.openSession(slot: 1)
            #expect(next.id > closed.id && next.id > second.id)
            #expect(next.predecessor?.session == closed.id)
            #expect(next.membershipEpoch > closed.membershipEpoch)
        }
    }

    @Test("a worker that keeps its session alive goes on over a restart; one that does not return ends")
    func sessionsGoOn() async throws {
        try await Self.simulate { job in
            try await withThrowingTaskGroup { group in
                let (_, mesh) = try await job.start()
                let client = try job.client("/worker/0")
                let kept = try await client.openSession(slot: 0)
                let left = try await client.openSession(slot: 1)
                group.addTask { try await client.keepAlive(kept) }
                await mesh.stop()
                job.machine.disk.crash()
                // Longer than a lease: nobody ends a session while the coordinator is away.
                try await job.runtime.sleep(for: .seconds(20))
                let (coordinator, _) = try await job.start()
                group.addTask { try await coordinator.run() }
                try await job.runtime.sleep(for: .seconds(8))
                #expect(coordinator.fence.entry(for: 1)?.session == left.id)
                #expect(coordinator.fence.entry(for: 1)?.hasEnded == false)
                try await job.runtime.sleep(for: .seconds(8))
                #expect(coordinator.fence.entry(for: 0)?.session == kept.id)
                #expect(coordinator.fence.entry(for: 0)?.hasEnded == false)
                #expect(coordinator.fence.entry(for: 1)?.hasEnded == true)
                group.cancelAll()
                try? await group.waitForAll()
            }
        }
    }

    @Test("a change that cannot be kept is refused with a code, nobody sees it, and it succeeds when there is room")
    func fullDisk() async throws {
        try await Self.simulate { job in
            let (coordinator, _) = try await job.start()
            let (worker, server) = (try job.client("/worker/0"), try job.client("/server/a"))
            let address = try await job.mesh("/server/a", on: job.runtime).listen(host: "127.0.0.1", port: 0)
            _ = try await server.registerServer(named: "a", at: address, life: 1)
            var faults = LogFaults()
            faults.capacity = 0
            job.machine.disk.setFaults(faults)
            let before = coordinator.map
            let error = await EmbeddedStoreTests.error { () async throws(CoordinationError) in
                _ = try await worker.declare([Self.table])
            }
            #expect(error?.code == .storeUnavailable)
            #expect(coordinator.map == before)
            job.machine.disk.setFaults(LogFaults())
            let map = try await worker.declare([Self.table])
            #expect(map.tables.flatMap(\.partitions).map(\.id.rawValue) == [1, 2])
        }
    }

    @Test(
        "a coordinator whose disk fails answers from what it knows, changes nothing, and ends so that it is restarted")
    func failedDisk() async throws {
        try await Self.simulate { job in
            let (coordinator, _) = try await job.start()
            let worker = try job.client("/worker/0")
            let session = try await worker.openSession(slot: 0)
            var faults = LogFaults()
            faults.failedSyncShare = 1
            job.machine.disk.setFaults(faults)
            let failed = await EmbeddedStoreTests.error { () async throws(CoordinationError) in
                _ = try await worker.openSession(slot: 1)
            }
            #expect(failed?.code == .storeFailed)
            let fence = try await worker.fetchFence()
            #expect(fence.entries.map(\.session) == [session.id])
            // The session's lease runs out, and its end cannot be kept.
            let ended = await #expect(throws: CoordinationError.self) { try await coordinator.run() }
            #expect(ended?.code == .storeFailed)
            #expect(coordinator.fence.entry(for: 0)?.hasEnded == false)
        }
    }

    @Test("two coordinators do not share a folder")
    func oneAtATime() async throws {
        try await Self.simulate { job in
            let (first, mesh) = try await job.start()
            await mesh.stop()
            let second = await #expect(throws: CoordinationError.self) { _ = try await job.start() }
            #expect(second?.code == .storeUnavailable)
            #expect(first.map.version == 0)
        }
    }
}
