import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// A checkpoint of some servers, restored on others.
@Suite struct CheckpointTests {
    @Test(
        "what three servers wrote is bit for bit what two or five load, and training goes on to the same bits",
        arguments: [2, 5])
    func otherNumberOfServers(servers: Int) async throws {
        try await SimulatedRuntime.run(seed: 21) { runtime in
            let first = try await CheckpointJob(runtime, servers: 3)
            let worker = try await first.worker()
            try await worker.train(1...5)
            let manifest = try await first.checkpoints.write(step: 5)
            #expect(manifest.files.map(\.entry.version.applied) == [5, 5, 5, 5])
            #expect(manifest.files.map(\.entry.counter) == [5, 5, 5, 5])
            #expect(manifest.files.flatMap(\.entry.sessions).allSatisfy { $0.applied == SequenceSet(through: 5) })
            try await worker.train(6...8)
            let expected = try CheckpointJob.bits(try await worker.pull())

            let second = try await CheckpointJob(runtime, servers: servers)
            let report = try await second.checkpoints.restore()
            #expect(report.step == 5 && report.untouched.isEmpty)
            #expect(report.partitions.map(\.version.applied) == [5, 5, 5, 5])
            try await second.checkpoints.write(step: 6)
            let (before, after) = (try await second.contents(5), try await second.contents(6))
            #expect(try before.map { try $0.substance } == after.map { try $0.substance })
            #expect(try await second.cluster.reader().accounts().map(\.counter) == [5, 5, 5, 5])

            let other = try await second.worker()
            try await other.train(6...8)
            #expect(try CheckpointJob.bits(try await other.pull()) == expected)
            #expect(try await second.cluster.applied() == [8, 8, 8, 8])
        }
    }

    @Test("a push of before a checkpoint that comes again after the restore is answered from the ledger")
    func duplicateAfterRestore() async throws {
        try await SimulatedRuntime.run(seed: 22) { runtime in
            let job = try await CheckpointJob(runtime)
            let mesh = try job.cluster.mesh("/worker/0")
            let coordination = try job.cluster.coordination(mesh)
            let session = try await coordination.openSession(slot: 0)
            let map = try await coordination.declare(CheckpointJob.tables().map(\.request))
            let tables = try TableSet(CheckpointJob.tables(), in: map, callBytes: .max)
            let place = try #require(tables.shares.flatMap(\.places).first { $0.name.table == "bias" })
            let push = NumberedPush(
                place, of: session.id, PushNumbers.Number(sequence: 1, acknowledgedThrough: 0),
                basis: PartitionVersion(epoch: 1, applied: 0),
                GradientShare(gradient: Segment(try .full([3], Float(1)))))
            func send() async throws -> PushReport {
                let routes = TableRoutes(coordination, ServerClients(mesh), callBytes: .max)
                defer { routes.close() }
                let map = try await coordination.fetchMap()
                try routes.install(map, named: ["bias"])
                let server = try #require(map.servers.first)
                let share = TableSet.Share(server: server, places: [place], mapVersion: map.version)
                return await PushCall([push], to: share, from: session).send(routes, timeout: .seconds(5))
            }
            let applied = try await send()
            #expect(applied.acknowledged.map(\.durability) == [.memory])
            try await job.checkpoints.write(step: 1)
            job.kill(0)
            _ = try await job.cluster.startServer(0, configuration: CheckpointJob.server(0))
            try await job.checkpoints.restore()
            let again = try await send()
            #expect(again.acknowledged.map(\.isReplay) == [true])
            #expect(again.acknowledged.map(\.version) == applied.acknowledged.map(\.version))
            #expect(again.acknowledged.map(\.durability) == [.checkpoint])
            let account = try #require(try await job.cluster.reader().accounts().first { $0.name.table == "bias" })
            #expect(account.version.applied == 1 && account.counter == 1 && account.appliedInLedger == 1)
        }
    }

    @Test("so many checkpoints are kept as shall be, in the order of their steps, and files of no checkpoint go")
    func keptCheckpoints() async throws {
        try await SimulatedRuntime.run(seed: 23) { runtime in
            let job = try await CheckpointJob(runtime, kept: 2)
            let worker = try await job.worker()
            runtime.disk.setBytes(
                of: "\(CheckpointJob.folder)/checkpoint-00000000000000000001-00000-00000-00001.safetensors", to: [1])
            for step in [9, 10, 100] as [UInt64] {
                try await worker.train(Int(step)...Int(step))
                try await job.checkpoints.write(step: step)
            }
            #expect(try await job.checkpoints.steps() == [10, 100])
            // Two manifests, four files each, and the lock.
            #expect(try await runtime.logs.list(CheckpointJob.folder).count == 2 * 5 + 1)
            for step in [10, 100] as [UInt64] { try await job.checkpoints.verify(step: step) }
            let error = await parameterServerError { try await job.checkpoints.write(step: 100) }
            #expect(error?.code == .checkpointFailed)
            #expect(error?.message.contains("a checkpoint of step 100") == true)
        }
    }

    @Test("a checkpoint of a server that keeps a log has what the disk has, and progress is told")
    func committed() async throws {
        try await SimulatedRuntime.run(seed: 24) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2, keepsLog: true)
            let worker = try await job.worker()
            try await worker.train(1...3)
            let told = ProgressLog()
            try await job.checkpoints.write(step: 3) { told.add($0) }
            #expect(told.all == (1...4).map { CheckpointProgress(done: $0, total: 4) })
            try await job.checkpoints.restore()
            // The log has the roll-back: a server that starts again is where it went back to, and further.
            let refused = try await worker.push(CheckpointJob.gradients(4))
            #expect(Set(refused.failed.map(\.error.code)) == [.rolledBack])
            #expect(refused.rolledBack.allSatisfy { $0.lost.isEmpty }, "\(refused.rolledBack)")
            _ = try await worker.pull()
            try await worker.train(4...4)
            let expected = try CheckpointJob.bits(try await worker.pull())
            for index in 0..<2 { job.kill(index) }
            runtime.disk.killProcess()
            for index in 0..<2 {
                _ = try await job.cluster.startServer(index, configuration: CheckpointJob.server(index, keepsLog: true))
            }
            #expect(try CheckpointJob.bits(try await worker.pull()) == expected)
            #expect(try await job.cluster.applied() == [4, 4, 4, 4])
            #expect(
                job.cluster.coordinator.map.tables.flatMap(\.partitions).allSatisfy {
                    $0.epoch == 3 && $0.intactSince == 2
                })
        }
    }

    @Test("a server writes no faster than it may")
    func pace() async throws {
        try await SimulatedRuntime.run(seed: 26) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            var configuration = CheckpointJob.server(0)
            configuration.checkpoints?.bytesPerSecond = 1 << 10
            _ = try await cluster.startServer(0, configuration: configuration)
            let coordination = try cluster.coordination(cluster.mesh("/operator"))
            _ = try await coordination.declare(CheckpointJob.tables().map(\.request))
            let checkpoints = try ParameterCheckpoints(coordination, job: "job", folder: CheckpointJob.folder)
            let began = runtime.now
            let manifest = try await checkpoints.write(step: 1)
            let least = Duration.seconds(Double(manifest.byteCount) / 1_024)
            #expect(began.duration(to: runtime.now) >= least && least > .seconds(1))
        }
    }

    @Test("a server without a folder, and an identity that may not administer a table, say so and do nothing")
    func refusals() async throws {
        try await SimulatedRuntime.run(seed: 25) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let coordination = try cluster.coordination(cluster.mesh("/operator"))
            let checkpoints = try ParameterCheckpoints(coordination, job: "job", folder: CheckpointJob.folder)
            _ = try await coordination.declare(CheckpointJob.tables().map(\.request))
            let error = await parameterServerError { try await checkpoints.write(step: 1) }
            #expect(error?.code == .checkpointFailed)
            #expect(error?.message.contains("ParameterServerConfiguration.checkpoints") == true)

            var configuration = CheckpointJob.server(0)
            configuration.tablePolicy = try TablePolicy(rules: [
                .init("reads", tables: ["*"], verbs: [.pull, .push], identities: ["spiffe://test.example/*"])
            ])
            _ = try await cluster.startServer(0, configuration: configuration)
            let denial = await parameterServerError { try await checkpoints.write(step: 1) }
            #expect(denial?.code == .notAllowed)
            #expect(try await checkpoints.steps() == [])
        }
    }
}
