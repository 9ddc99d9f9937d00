import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import ServiceLifecycle
import Synchronization
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Servers that leave in good order.
@Suite struct DrainTests {
    @Test(
        "every server and every worker is restarted in turn while training goes on: nothing is lost, and no push waits for 0.2 s",
        arguments: [1, 2])
    func rollingRestart(replicas: Int) async throws {
        for seed in 1...UInt64(rounds(2)) {
            try await ReplicatedJob.run(seed: seed, servers: replicas + 2, replicas: replicas) { job in
                let gaps = Gaps()
                let isDone = Flag()
                // Lives of a worker, each of a session of its own, until the servers have had their turns.
                async let first = Self.lives(of: 0, steps: 40, job, gaps, until: isDone)
                async let second = Self.lives(of: 1, steps: 30, job, gaps, until: isDone)
                try await job.runtime.sleep(for: .milliseconds(500))
                for index in 0..<replicas + 2 {
                    let began = job.runtime.now
                    try await job.drain(index)
                    #expect(began.duration(to: job.runtime.now) < .seconds(2), "seed \(seed)")
                    // No lease is waited for: the map says it when it has left.
                    #expect(job.entries.allSatisfy { !$0.chain.contains("server-\(index)") }, "\(job.entries)")
                    job.kill(index)
                    try await job.runtime.sleep(for: .milliseconds(100))
                    try await job.restart(index)
                }
                try await job.runtime.sleep(for: .milliseconds(500))
                isDone.set()
                let lives = try await [first, second]
                #expect(lives.allSatisfy { $0.count > 1 && $0.allSatisfy(\.isEmpty) }, "seed \(seed): \(lives)")
                #expect(gaps.longest < .milliseconds(200), "seed \(seed): \(gaps.longest)")
                let isSettled = try await job.isSettled()
                #expect(isSettled, "seed \(seed): \(job.entries)")
                #expect(job.entries.allSatisfy { $0.intactSince == 1 && $0.epoch > 1 }, "seed \(seed): \(job.entries)")
                #expect(await job.differences() == [], "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.applied == audit.acknowledged && audit.applied > 400, "seed \(seed): \(audit)")
            }
        }
    }

    @Test("a server that leaves while its follower is yet to join waits for that, and pushes go on")
    func waitsForFollower() async throws {
        try await ReplicatedJob.run(seed: 3, servers: 2, replicas: 1) { job in
            let gaps = Gaps()
            let isDone = Flag()
            async let working = Self.lives(of: 0, steps: .max, job, gaps, until: isDone)
            try await job.runtime.sleep(for: .milliseconds(300))
            try await job.drain(0)
            job.kill(0)
            #expect(job.entries.allSatisfy { $0.chain == ["server-1"] }, "\(job.entries)")
            try await job.restart(0)
            // At once: it has no follower.
            try await job.drain(1)
            #expect(job.entries.allSatisfy { $0.chain == ["server-0"] }, "\(job.entries)")
            job.kill(1)
            try await job.restart(1)
            isDone.set()
            let lives = try await working
            #expect(lives.count == 1 && lives[0].isEmpty, "\(lives)")
            #expect(gaps.longest < .milliseconds(200), "\(gaps.longest)")
            #expect(try await job.isSettled(), "\(job.entries)")
            #expect(job.entries.allSatisfy { $0.intactSince == 1 })
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.applied == audit.acknowledged)
        }
    }

    @Test("a server whose follower is silent leaves when its time is over, with what the log has")
    func deadline() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.drainTimeout = .milliseconds(800)
        try await ReplicatedJob.run(seed: 4, servers: 2, replicas: 1, configuration: configuration) { job in
            _ = try await job.work(slot: 0, steps: 5)
            #expect(try await job.isSettled())
            job.host(1).pause()
            async let late = job.work(slot: 0, steps: 1)
            try await job.runtime.sleep(for: .milliseconds(100))
            let began = job.runtime.now
            try await job.drain(0)
            #expect(began.duration(to: job.runtime.now) < .seconds(3))
            let lines = job.cluster.log.all(
                "not all that was executed is at the followers and in the log; what was acknowledged is")
            #expect(lines.count == 1)
            job.host(1).resume()
            job.kill(0)
            try await job.restart(0)
            _ = try await late
            #expect(try await job.isSettled(), "\(job.entries)")
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test("a server that nobody follows says so, leaves when its log has all, and goes on from it")
    func alone() async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            var configuration = ParameterServerConfiguration()
            configuration.log = PartitionLogConfiguration(folder: "/log")
            let (server, address) = try await cluster.listeningServer(0, configuration: configuration)
            #expect(server.mesh.readiness.reasons == ["parameter server server-0 is not ready"])
            try await server.register(at: address)
            #expect(server.mesh.readiness.isReady)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([Example.table("bias")])
            let gradient = try NamedTensors([("bias", .full([4], Float(1)))])
            #expect(try await client.push(gradient).failed.isEmpty)
            await server.drain()
            #expect(!server.mesh.readiness.isReady)
            let lines = cluster.log.all("nobody to hand partitions over to: they wait for this server to start again")
            #expect(lines.map { $0.metadata["first"] } == ["bias#0"] && lines[0].metadata["log"] == "/log")
            #expect(cluster.coordinator.map.living.isEmpty)
            await server.mesh.stop()
            _ = try await cluster.startServer(0, configuration: configuration)
            #expect(try await client.push(gradient).failed.isEmpty)
            #expect(try await client.pull().tensor(named: "bias").scalars(as: Float.self) == [-2, -2, -2, -2])
            #expect(try await cluster.applied() == [2])
            client.close()
        }
    }

    @Test("a service group that shuts down has its server hand over before the mesh stops", .timeLimit(.minutes(2)))
    func serviceGroup() async throws {
        let cluster = try await TestCluster.start(
            SystemRuntime.shared, servers: 0, attemptTimeout: .milliseconds(500)
        ) {
            $0.lease = .seconds(300)
            $0.serversBeforePlacement = 2
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cluster.coordinator.run() }
            var groups: [ServiceGroup] = []
            for index in 0..<2 {
                let (server, address) = try await cluster.listeningServer(index)
                try await server.register(at: address)
                let services = ServiceGroup(services: [server.mesh, server], logger: cluster.log.logger)
                groups.append(services)
                group.addTask { try await services.run() }
            }
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            let table = try TableDeclaration(
                name: "bias", shape: [4], initializer: .zeros, key: RandomKey(seed: 5),
                updateRule: .sgd(learningRate: 1), partitioning: .count(2), replicas: 1)
            try await client.declare([table])
            let gradient = try NamedTensors([("bias", .full([4], Float(1)))])
            for step in 0..<20 {
                if step == 5 { await groups[0].triggerGracefulShutdown() }
                #expect(try await client.push(gradient).failed.isEmpty)
            }
            var entries = cluster.coordinator.map.tables[0].partitions
            let end = SystemRuntime.shared.now.advanced(by: .seconds(10))
            while entries.contains(where: { $0.chain != ["server-1"] }), SystemRuntime.shared.now < end {
                #expect(try await client.push(gradient).failed.isEmpty)
                entries = cluster.coordinator.map.tables[0].partitions
            }
            #expect(entries.allSatisfy { $0.chain == ["server-1"] && $0.intactSince == 1 }, "\(entries)")
            #expect(cluster.log.all("server drains").count == 1)
            client.close()
            group.cancelAll()
        }
        await cluster.stop()
    }

    // MARK: What they build on

    /// Lives of the worker of a slot, each of so many steps, until `isDone`; the errors of each.
    @concurrent
    private static func lives(
        of slot: Int, steps: Int, _ job: ReplicatedJob, _ gaps: Gaps, until isDone: Flag
    ) async throws -> [[ParameterServerError]] {
        let host = job.runtime.host("/worker/\(slot)")
        return try await host.run {
            var lives: [[ParameterServerError]] = []
            while !isDone.isSet {
                let client = try await job.cluster.client(
                    job.cluster.mesh("/worker/\(slot)"), slot: slot, observer: job.notes.observer)
                try await client.declare(job.tables())
                var errors: [ParameterServerError] = []
                var step = 0
                while step < steps, !isDone.isSet {
                    step += 1
                    do throws(ParameterServerError) { _ = try await client.pull() } catch { errors.append(error) }
                    let value = Float(slot + step % 7) / 8
                    let began = job.runtime.now
                    let report = try await client.push(
                        NamedTensors([("weight", .full([8, 5], value)), ("bias", .full([5], value))]))
                    gaps.add(began.duration(to: job.runtime.now))
                    errors += report.failed.map(\.error)
                    try await host.sleep(for: .milliseconds(5))
                }
                client.close()
                lives.append(errors)
            }
            return lives
        }
    }

    /// How long pushes took, guarded by a mutex.
    private final class Gaps: Sendable {
        private let value = Mutex(Duration.zero)
        var longest: Duration { value.withLock { $0 } }
        func add(_ duration: Duration) { value.withLock { $0 = max($0, duration) } }
    }

    /// Guarded by a mutex.
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }
}
