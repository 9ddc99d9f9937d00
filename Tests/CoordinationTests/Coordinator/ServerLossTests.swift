import Coordination
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import Testing

/// Servers that die, stop and come back, each on a host of its own, and a coordinator that notices.
@Suite(.timeLimit(.minutes(5))) struct ServerLossTests {
    /// What watches and counts of servers share, guarded by a mutex.
    private final class Seen<Value: Sendable>: Sendable {
        private let values = Mutex<[Value]>([])
        var all: [Value] { values.withLock { $0 } }
        func add(_ value: Value) { values.withLock { $0.append(value) } }
    }

    private struct Job: Sendable {
        static let port = 4_000
        let runtime: SimulatedRuntime
        private let authority: TestAuthority
        let metrics = MetricsRegistry()
        let probes = Seen<String>()

        init(_ runtime: SimulatedRuntime) throws {
            self.runtime = runtime
            authority = try TestAuthority(runtime: runtime)
        }

        /// A life of the coordinator, which goes on with what its disk has.
        func startCoordinator() async throws -> Coordinator {
            let mesh = try mesh("/coordinator")
            var configuration = CoordinatorConfiguration()
            configuration.folder = "coordination"
            configuration.restartGrace = .seconds(2)
            configuration.serversBeforePlacement = 3
            let coordinator = try await Coordinator(on: mesh, configuration: configuration, logger: TestLog.silent)
            _ = try await mesh.listen(host: "127.0.0.1", port: Self.port)
            return coordinator
        }

        /// A server that does nothing but live.
        @discardableResult
        func startServer(
            _ name: String, life: UInt64 = 1, recovered: [RecoveredPartition] = []
        ) async throws -> CoordinationClient {
            let mesh = try mesh("/server/\(name)")
            let client = try client("/server/\(name)", mesh)
            let probes = probes
            mesh.serveInline(SessionFencing.probe) { _, _ in
                probes.add(name)
                return ServerLife(name: name, life: life)
            }
            let address = try await mesh.listen(host: "127.0.0.1", port: 0)
            _ = try await client.registerServer(named: name, at: address, life: life, recovered: recovered)
            _ = client.keepServer(
                named: name, at: address, life: life, functions: [], logger: TestLog.silent, mayReturn: { true }
            ) { _ in }
            return client
        }

        func client(_ path: String, _ mesh: Mesh? = nil) throws -> CoordinationClient {
            CoordinationClient(
                try mesh ?? self.mesh(path),
                coordinator: try Destination(
                    host: "127.0.0.1", port: Self.port, identities: [.exact(authority.id("/coordinator"))]))
        }

        private func mesh(_ path: String) throws -> Mesh {
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            return try Mesh(
                identity: authority.identity(path), policy: policy, runtime: runtime.host(path),
                metrics: path == "/coordinator" ? metrics : MetricsRegistry(), logger: TestLog.silent)
        }

        /// Waits until something is so, for a limited time; returns how long it took.
        func until(_ limit: Duration, _ what: String, _ isSo: () -> Bool) async throws -> Duration {
            let start = runtime.now
            while !isSo() {
                guard start.duration(to: runtime.now) < limit else {
                    Issue.record("seed \(runtime.seed): not so within \(limit): \(what)")
                    return limit
                }
                try await runtime.sleep(for: .milliseconds(1))
            }
            return start.duration(to: runtime.now)
        }
    }

    /// Six partitions with one follower each, on the servers a, b and c.
    private static func simulate(
        seed: UInt64, _ body: @escaping @Sendable @concurrent (Job, Coordinator) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let job = try Job(runtime)
            let coordinator = try await job.startCoordinator()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runtime.host("/coordinator").run { try await coordinator.run() } }
                for name in ["a", "b", "c"] { try await job.startServer(name) }
                let table = TableRequest(
                    name: "w", declaration: [1], partitionByteCounts: Array(repeating: 100, count: 6), replicas: 1)
                _ = try await job.client("/worker/0").declare([table])
                try await body(job, coordinator)
                group.cancelAll()
                try? await group.waitForAll()
            }
        }
    }

    private static func entries(_ map: PartitionMap) -> [PartitionMap.Partition] { map.tables.flatMap(\.partitions) }

    @Test(
        "a stopped server is noticed within 2 s, its followers go on, and when it goes on it is given copies anew",
        arguments: 1...8 as ClosedRange<UInt64>)
    func stopped(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job, coordinator in
            try await job.runtime.sleep(for: .milliseconds(Int64(1_000 + seed * 37)))
            let before = coordinator.map
            job.runtime.host("/server/a").pause()
            let time = try await job.until(.seconds(2), "a is lost") { coordinator.map.lost == ["a"] }
            #expect(time > .seconds(1), "seed \(seed): \(time), with a lease of 1.5 s")
            for entry in Self.entries(coordinator.map) {
                let old = try #require(before.partition(entry.id))
                #expect(!entry.chain.contains("a"), "seed \(seed): \(entry)")
                #expect(entry.epoch == old.epoch + (old.chain.contains("a") ? 1 : 0), "seed \(seed): \(entry)")
                #expect(entry.intactSince == 1, "seed \(seed): \(entry)")
                if old.head == "a" { #expect(entry.head == old.followers[0], "seed \(seed): \(entry)") }
                // The third server is at once given what has too few followers.
                #expect(entry.followers.isEmpty == !entry.joining.isEmpty, "seed \(seed): \(entry)")
            }
            job.runtime.host("/server/a").resume()
            _ = try await job.until(.seconds(1), "a lives") { coordinator.map.isLiving("a") }
            // Nobody has joined, so those that wait for their turn go to a.
            #expect(Self.entries(coordinator.map).allSatisfy { !$0.chain.contains("a") }, "seed \(seed)")
            #expect(job.metrics.counter("coordinator_failovers_total", help: "").series().value == 2, "seed \(seed)")
        }
    }

    @Test("who thinks it is still the head learns who is", arguments: 1...4 as ClosedRange<UInt64>)
    func comparesAndSwaps(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job, coordinator in
            let entry = try #require(Self.entries(coordinator.map).first { $0.head == "a" })
            let follower = entry.followers[0]
            let (a, b) = (try job.client("/server/a"), try job.client("/server/\(follower)"))
            // Both at once, and each may be the first.
            async let first = Self.change(a, entry, .drop(follower), "a")
            async let second = Self.change(b, entry, .drop(follower), follower)
            let (one, other) = (await first, await second)
            // Either asked for the same, so the second is told that it is so.
            #expect([one, other].allSatisfy { (try? $0.get().epoch) == entry.epoch + 1 }, "seed \(seed)")
            #expect(coordinator.map.partition(entry.id)?.epoch == entry.epoch + 1, "seed \(seed)")
            let late = await Self.change(a, entry, .join("c", life: 1), "a")
            guard case .failure(let error) = late else {
                Issue.record("seed \(seed): a change of an epoch that is over was made")
                return
            }
            #expect(error.code == .chainChanged)
            #expect(error.partition == coordinator.map.partition(entry.id))
            let stranger = await Self.change(
                try job.client("/worker/0"), coordinator.map.partition(entry.id) ?? entry, .drop(follower), "a")
            #expect(throws: CoordinationError.self) { try stranger.get() }
        }
    }

    private static func change(
        _ client: CoordinationClient, _ entry: PartitionMap.Partition, _ change: ChainChange, _ server: String
    ) async -> Result<PartitionMap.Partition, CoordinationError> {
        do throws(CoordinationError) {
            return .success(try await client.changeChain(of: entry.id, ifEpoch: entry.epoch, change, server: server))
        } catch {
            return .failure(error)
        }
    }

    @Test(
        "a server that was killed and is reported is lost within 0.2 s, however many report it",
        arguments: 1...8 as ClosedRange<UInt64>)
    func killedAndReported(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job, coordinator in
            try await job.runtime.sleep(for: .milliseconds(Int64(1_000 + seed * 37)))
            job.runtime.host("/server/b").kill()
            let clients = try (0..<5).map { try job.client("/worker/\($0)") }
            let start = job.runtime.now
            await withTaskGroup(of: Void.self) { group in
                for client in clients { group.addTask { try? await client.reportLoss(of: "b", life: 1) } }
            }
            _ = try await job.until(.milliseconds(200), "b is lost") { coordinator.map.lost == ["b"] }
            #expect(start.duration(to: job.runtime.now) < .milliseconds(200), "seed \(seed)")
            #expect(Self.entries(coordinator.map).allSatisfy { !$0.chain.contains("b") }, "seed \(seed)")
            let reports = job.metrics.counter("coordinator_loss_reports_total", help: "", labels: "outcome")
            #expect(reports.series("lost").value == 1, "seed \(seed)")
            #expect(reports.series("ignored").value == 4, "seed \(seed)")
        }
    }

    @Test("a report of a server that answers changes nothing, and it is asked once, whoever says so")
    func falseReports() async throws {
        try await Self.simulate(seed: 3) { job, coordinator in
            let before = coordinator.map
            let client = try job.client("/worker/0")
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { try? await client.reportLoss(of: "a", life: 1) } }
            }
            try await client.reportLoss(of: "a", life: 99)
            try await client.reportLoss(of: "nobody", life: 1)
            #expect(job.probes.all == ["a"])
            try await job.runtime.sleep(for: .seconds(5))
            #expect(coordinator.map == before)
            try await client.reportLoss(of: "a", life: 1)
            #expect(job.probes.all == ["a", "a"])
        }
    }

    @Test("a stopped server that is reported is lost when it has not answered twice, before its lease is over")
    func stoppedAndReported() async throws {
        try await Self.simulate(seed: 5) { job, coordinator in
            try await job.runtime.sleep(for: .seconds(1))
            job.runtime.host("/server/c").pause()
            let start = job.runtime.now
            try await job.client("/worker/0").reportLoss(of: "c", life: 1)
            let time = start.duration(to: job.runtime.now)
            #expect(coordinator.map.lost == ["c"])
            #expect(time >= .milliseconds(600) && time < .milliseconds(700), "\(time)")
        }
    }

    @Test("opening a session does not wait for servers that are lost")
    func fencesWithoutLost() async throws {
        try await Self.simulate(seed: 29) { job, coordinator in
            job.runtime.host("/server/a").pause()
            let client = try job.client("/worker/0")
            let early = job.runtime.now
            _ = try await client.openSession(slot: 0)
            #expect(early.duration(to: job.runtime.now) >= .milliseconds(1_500), "nobody has noticed yet")
            _ = try await job.until(.seconds(2), "a is lost") { coordinator.map.lost == ["a"] }
            let late = job.runtime.now
            _ = try await client.openSession(slot: 1)
            #expect(late.duration(to: job.runtime.now) < .milliseconds(100))
        }
    }

    @Test("an heir that is dead too does not head: of a chain of which nobody lives who returns first goes on")
    func heirsAreAsked() async throws {
        try await Self.simulate(seed: 19) { job, coordinator in
            try await job.runtime.sleep(for: .seconds(1))
            let entry = try #require(Self.entries(coordinator.map).first { $0.chain == ["a", "b"] })
            for name in ["a", "b"] { job.runtime.host("/server/\(name)").kill() }
            try await job.client("/worker/0").reportLoss(of: "a", life: 1)
            #expect(coordinator.map.lost == ["a", "b"])
            // Not in an epoch of b's, in which nobody was ever the head.
            let now = try #require(coordinator.map.partition(entry.id))
            #expect(now == entry)
            // a has kept it, and b is not there: nothing is lost.
            _ = job.runtime.host("/server/a").restart()
            try await job.startServer(
                "a", life: 2, recovered: [RecoveredPartition(partition: entry.id, epoch: entry.epoch + 1)])
            let after = try #require(coordinator.map.partition(entry.id))
            #expect(after.chain == ["a"] && after.epoch == entry.epoch + 1 && after.intactSince == 1)
        }
    }

    @Test(
        "a job whose servers all start anew at once goes on with what heads have kept, not with followers that are gone"
    )
    func allStartAnew() async throws {
        try await Self.simulate(seed: 23) { job, coordinator in
            try await job.runtime.sleep(for: .seconds(1))
            let before = coordinator.map
            for name in ["a", "b", "c"] { _ = job.runtime.host("/server/\(name)").restart() }
            // Their leases are not over.
            for name in ["a", "b", "c"] {
                let kept = Self.entries(coordinator.map).filter { $0.head == name }
                try await job.startServer(
                    name, life: 2, recovered: kept.map { RecoveredPartition(partition: $0.id, epoch: $0.epoch + 1) })
            }
            for entry in Self.entries(coordinator.map) {
                #expect(entry.head == before.partition(entry.id)?.head, "\(entry)")
                #expect(entry.intactSince == 1 && entry.epoch > 1, "\(entry)")
            }
        }
    }

    @Test("a coordinator that was stopped itself has nobody lost, and ends no session, for that")
    func coordinatorStopped() async throws {
        try await Self.simulate(seed: 7) { job, coordinator in
            let client = try job.client("/worker/0")
            let (kept, left) = (try await client.openSession(slot: 0), try await client.openSession(slot: 1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.keepAlive(kept) }
                try await job.runtime.sleep(for: .seconds(1))
                let before = coordinator.map
                job.runtime.host("/coordinator").pause()
                try await job.runtime.sleep(for: .seconds(30))
                job.runtime.host("/coordinator").resume()
                try await job.runtime.sleep(for: .seconds(5))
                #expect(coordinator.map == before)
                #expect(coordinator.fence.entry(for: 0)?.hasEnded == false)
                // Nobody keeps the other, which ends a lease later.
                try await job.runtime.sleep(for: .seconds(20))
                #expect(coordinator.fence.entry(for: 0)?.session == kept.id)
                #expect(coordinator.fence.entry(for: 0)?.hasEnded == false)
                #expect(coordinator.fence.entry(for: 1)?.session == left.id)
                #expect(coordinator.fence.entry(for: 1)?.hasEnded == true)
                group.cancelAll()
                try? await group.waitForAll()
            }
        }
    }

    @Test("an earlier life that goes on is told so, and stops giving signs of life")
    func superseded() async throws {
        try await Self.simulate(seed: 9) { job, coordinator in
            try await job.startServer("a", life: 2)
            try await job.runtime.sleep(for: .seconds(5))
            #expect(coordinator.map.server(named: "a")?.life == 2)
            #expect(coordinator.map.lost.isEmpty)
            let late = try job.client("/server/a")
            let error = await #expect(throws: CoordinationError.self) {
                _ = try await late.renewServer(named: "a", life: 1, timeout: .seconds(1))
            }
            #expect(error?.code == .serverSuperseded)
        }
    }

    @Test(
        "after a coordinator's crash and restart chains and losses are as before, servers have time, and then are lost again",
        arguments: 1...6 as ClosedRange<UInt64>)
    func coordinatorRestarts(seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let job = try Job(runtime)
            let first = try await job.startCoordinator()
            let running = runtime.spawn(on: runtime.taskExecutor) {
                try? await runtime.host("/coordinator").run { try await first.run() }
            }
            for name in ["a", "b", "c"] { try await job.startServer(name) }
            let worker = try job.client("/worker/0")
            let table = TableRequest(
                name: "w", declaration: [1], partitionByteCounts: [100, 100, 100], replicas: 1)
            _ = try await worker.declare([table])
            let watched = Seen<PartitionMap>()
            let watching = runtime.spawn(on: runtime.taskExecutor) { await worker.watchMap { watched.add($0) } }
            runtime.host("/server/a").kill()
            _ = try await job.until(.seconds(2), "a is lost") { first.map.lost == ["a"] }
            _ = try await job.until(.milliseconds(100), "the map is watched") { watched.all.last == first.map }
            let before = first.map
            runtime.host("/coordinator").disk.crash()
            _ = runtime.host("/coordinator").restart()
            _ = await running.value
            try await runtime.sleep(for: .seconds(3))

            let second = try await job.startCoordinator()
            #expect(second.map == before, "seed \(seed)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runtime.host("/coordinator").run { try await second.run() } }
                try await runtime.sleep(for: .seconds(6))
                #expect(second.map.lost == ["a"], "seed \(seed): servers that live had no time")
                runtime.host("/server/b").pause()
                _ = try await job.until(.seconds(2), "b is lost") { second.map.lost == ["a", "b"] }
                // The watch has come back by itself.
                _ = try await job.until(.milliseconds(100), "the map is watched again") {
                    watched.all.last == second.map
                }
                let versions = watched.all.map(\.version)
                #expect(versions == versions.sorted() && Set(versions).count == versions.count, "seed \(seed)")
                group.cancelAll()
                try? await group.waitForAll()
            }
            watching.cancel()
            _ = await watching.value
        }
    }

    @Test("a slow watcher gets the newest map, never a queue of those between")
    func slowWatcher() async throws {
        try await Self.simulate(seed: 13) { job, coordinator in
            let (slow, fast) = (Seen<UInt64>(), Seen<UInt64>())
            let client = try job.client("/worker/1")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await client.watchMap { map in
                        slow.add(map.version)
                        try? await job.runtime.sleep(for: .milliseconds(500))
                    }
                }
                group.addTask { await client.watchMap { fast.add($0.version) } }
                try await job.runtime.sleep(for: .milliseconds(100))
                for number in 0..<40 {
                    let table = TableRequest(name: "t\(number)", declaration: [1], partitionByteCounts: [4])
                    _ = try await client.declare([table])
                }
                try await job.runtime.sleep(for: .seconds(2))
                #expect(fast.all.last == coordinator.map.version && slow.all.last == coordinator.map.version)
                #expect(fast.all.count > 30, "\(fast.all)")
                #expect(slow.all.count <= 4, "\(slow.all)")
                group.cancelAll()
            }
        }
    }

    @Test("a table cannot be placed while the servers are lost, and the error names them")
    func placementNamesLost() async throws {
        try await Self.simulate(seed: 17) { job, coordinator in
            for name in ["b", "c"] { job.runtime.host("/server/\(name)").kill() }
            _ = try await job.until(.seconds(2), "both are lost") { coordinator.map.lost == ["b", "c"] }
            let client = try job.client("/worker/0")
            let table = TableRequest(name: "late", declaration: [1], partitionByteCounts: [4])
            let error = await #expect(throws: CoordinationError.self) { _ = try await client.declare([table]) }
            #expect(error?.code == .tooFewServers)
            #expect(error?.message.contains("b, c") == true, "\(error?.message ?? "")")
        }
    }
}
