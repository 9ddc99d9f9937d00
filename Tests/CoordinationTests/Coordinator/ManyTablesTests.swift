import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@testable import Coordination

/// Messages have little room here, so that a few tables are as many as a hundred thousand.
@Suite struct ManyTablesTests {
    private struct Job: Sendable {
        let runtime: SimulatedRuntime
        let coordinator: Coordinator
        let client: CoordinationClient

        init(
            _ runtime: SimulatedRuntime, folder: String? = nil,
            _ adjust: (inout CoordinatorConfiguration) -> Void = { _ in }
        ) async throws {
            self.runtime = runtime
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            func mesh(_ path: String) throws -> Mesh {
                var configuration = MeshConfiguration()
                configuration.limits.messageHeadBytes = 2_000
                return try Mesh(
                    configuration: configuration, identity: authority.identity(path), policy: policy, runtime: runtime,
                    logger: TestLog.silent)
            }
            let own = try mesh("/coordinator")
            var configuration = CoordinatorConfiguration()
            configuration.folder = folder
            adjust(&configuration)
            coordinator = try await Coordinator(on: own, configuration: configuration, logger: TestLog.silent)
            let address = try await own.listen(host: "127.0.0.1", port: 0)
            let expected = try IdentityPattern.exact(authority.id("/coordinator"))
            client = CoordinationClient(
                try mesh("/worker/0"),
                coordinator: Destination(host: address.host, port: address.port, identities: [expected]))
            _ = try await coordinator.register(ServerRegistration(server: Example.server("a"), recovered: []))
        }
    }

    private static func tables(_ range: Range<Int>, _ declaration: UInt8 = 1) -> [TableRequest] {
        range.map {
            TableRequest(
                name: "layer/\($0)", declaration: Array(repeating: declaration, count: 20), partitionByteCounts: [4, 4])
        }
    }

    private static func simulate(_ body: @escaping @Sendable @concurrent (SimulatedRuntime) async throws -> Void)
        async throws
    { try await SimulatedRuntime.run(seed: 4) { try await body($0) } }

    private static func error(_ body: () async throws(CoordinationError) -> Void) async -> CoordinationError? {
        await EmbeddedStoreTests.error(body)
    }

    @Test("more tables than a message has room for are declared at once, and fetched and watched in parts")
    func declaresMany() async throws {
        try await Self.simulate { runtime in
            let job = try await Job(runtime)
            let first = try await job.client.declare(Self.tables(0..<200))
            #expect(first.tables.map(\.name) == Self.tables(0..<200).map(\.name))
            #expect(first == job.coordinator.map)
            // All of them in one step of the map.
            #expect(first.version == 2)
            #expect(try await job.client.fetchMap() == first)
            #expect(try await job.client.declare(Self.tables(0..<200)) == first)

            // A few more, whose answer has no room for the map.
            let next = try await job.client.declare(Self.tables(200..<202))
            #expect(next == job.coordinator.map && next.tables.count == 202)
            let refused = await Self.error { () async throws(CoordinationError) in
                _ = try await job.client.call(CoordinationService.fetchMap, EmptyMessage())
            }
            #expect(refused?.code == .mapTooLarge)
        }
    }

    @Test("whoever watches a large map is told what changes of it")
    func watches() async throws {
        try await Self.simulate { runtime in
            let job = try await Job(runtime)
            _ = try await job.client.declare(Self.tables(0..<100))
            let whole = AsyncStream<Void>.makeStream()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await job.client.watchMap { map in
                        #expect(map == job.coordinator.map)
                        switch map.tables.count {
                        case 100: _ = try? await job.client.declare(Self.tables(100..<101))
                        case 101: _ = try? await job.client.declare(Self.tables(101..<300))
                        default: whole.continuation.finish()
                        }
                    }
                }
                for await _ in whole.stream {}
                group.cancelAll()
            }
            #expect(job.coordinator.map.tables.count == 300)
        }
    }

    @Test("of tables that do not go together none is created, wherever the wrong one is")
    func allOrNone() async throws {
        try await Self.simulate { runtime in
            let job = try await Job(runtime) {
                $0.namespaces = [TableNamespace("all", prefix: "layer/", tables: 300)]
                $0.partitions = 1_000
            }
            let before = try await job.client.declare(Self.tables(150..<152))
            func code(_ tables: [TableRequest]) async -> CoordinationError? {
                await Self.error { () async throws(CoordinationError) in _ = try await job.client.declare(tables) }
            }
            let conflict = await code(Self.tables(0..<150) + Self.tables(150..<151, 9))
            #expect(conflict?.code == .conflictingDeclaration)
            #expect(conflict?.message.contains("layer/150") == true)
            let twice = await code(Self.tables(0..<140) + Self.tables(7..<8, 9))
            #expect(twice?.code == .conflictingDeclaration)
            // Each part alone is within the quota.
            let quota = await code(Self.tables(0..<301))
            #expect(quota?.code == .quotaExceeded)
            #expect(quota?.message.contains("2 of 300 tables") == true && quota?.message.contains("others") == true)
            let limit = await code(Self.tables(0..<501))
            #expect(limit?.code == .limitReached)
            let nameless = TableRequest(name: "", declaration: [], partitionByteCounts: [1])
            let invalid = await code(Self.tables(0..<149) + [nameless])
            #expect(invalid?.code == .invalidDeclaration)
            #expect(job.coordinator.map == before)
            #expect(try await job.client.declare(Self.tables(0..<300)).tables.count == 300)
        }
    }

    @Test("declarations that are not whole take no more room than there is, and give it back")
    func room() async throws {
        let room = DeclarationRoom(bytes: 900, partitions: 10)
        let some = Self.tables(0..<5)
        let own = try room.take(some, beside: 0)
        #expect(own > 300)
        #expect(throws: CoordinationError.self) { try room.take(some, beside: 1) }
        room.free(own)
        let taken = try [room.take(some, beside: 0), room.take(Array(some[0...1]), beside: 5)]
        let full = #expect(throws: CoordinationError.self) { try room.take(some, beside: 0) }
        #expect(full?.code == .busy)
        taken.forEach(room.free)
        _ = try room.take(some, beside: 0)

        try await Self.simulate { runtime in
            let job = try await Job(runtime) { $0.heldDeclarationBytes = 4_000 }
            let full = await Self.error { () async throws(CoordinationError) in
                _ = try await job.client.declare(Self.tables(0..<200))
            }
            #expect(full?.code == .busy && full?.message.contains("4000") == true)
            #expect(job.coordinator.map.tables.isEmpty)
            #expect(try await job.client.declare(Self.tables(0..<40)).tables.count == 40)
        }
    }

    @Test("a declaration in parts waits for the servers that placement waits for")
    func waitsForServers() async throws {
        try await Self.simulate { runtime in
            let job = try await Job(runtime) { $0.serversBeforePlacement = 2 }
            async let map = job.client.declare(Self.tables(0..<200))
            try await runtime.sleep(for: .seconds(2))
            #expect(job.coordinator.map.tables.isEmpty)
            _ = try await job.coordinator.register(ServerRegistration(server: Example.server("b"), recovered: []))
            #expect(try await map.tables.count == 200)
        }
    }

    @Test("tables that were declared in parts are there when a coordinator starts again")
    func restarts() async throws {
        try await Self.simulate { runtime in
            let job = try await Job(runtime, folder: "store")
            let map = try await job.client.declare(Self.tables(0..<200))
            runtime.disk.crash()
            let store = EmbeddedStore(folder: "store", runtime: runtime, logger: TestLog.silent)
            let snapshot = try await store.load()
            #expect(CoordinatorState(CoordinatorConfiguration(), firstOrdinal: 1, snapshot: snapshot).map == map)
        }
    }
}
