import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

/// Loses every answer to a push until it is told to stop.
private final class LostAnswers: FaultInjector {
    private let isOver = Atomic(false)

    func stop() { isOver.store(true, ordering: .relaxed) }

    func fate(ofRequest path: String) -> MessageFate { .deliver }

    func fate(ofReply path: String) -> MessageFate {
        path == ParameterService.push.path && !isOver.load(ordering: .relaxed) ? .lose : .deliver
    }
}

/// Servers that die, stop and lose their disks. `Documentation/Behaviours/ParameterServer.md` has the whole table.
@Suite struct ServerScenarioTests {
    @Test(
        "a server with a log dies while a worker starts again: the worker goes on when the server does, and loses nothing"
    )
    func diesWhileWorkerRecovers() async throws {
        try await ScenarioJob.run(seed: 10, hasLogs: true) { job in
            async let death = job.dies { _ = try await job.steps(1_000_000, slot: 0) }
            try await job.runtime.sleep(for: .milliseconds(150))
            job.worker(0).kill()
            job.server(0).kill()
            #expect(try await death)
            async let again = job.steps(20, slot: 0)
            try await job.runtime.sleep(for: .seconds(3))
            try await job.startServer(0)
            let errors = try await again
            #expect(errors.isEmpty, "\(errors)")
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.acknowledged >= 80)
        }
    }

    @Test("a server without a log dies while a worker starts again: a typed error names it before the deadline")
    func diesWithoutLog() async throws {
        try await ScenarioJob.run(seed: 10) { job in
            #expect(try await job.steps(1, slot: 0).isEmpty)
            let dead = try #require(job.cluster.coordinator.map.server(named: "server-0"))
            job.server(0).kill()
            let start = job.runtime.now
            let (unconfirmed, error, end) = try await job.work(0, timeout: .seconds(4)) { client in
                let error = await parameterServerError { _ = try await client.pull() }
                return (client.session.unconfirmed, error, job.runtime.now)
            }
            #expect(unconfirmed == job.cluster.coordinator.map.partitions(headedBy: "server-0"))
            #expect(error?.code == .peerLost)
            #expect(error?.peer == "127.0.0.1:\(dead.port)", "\(error?.peer ?? "")")
            // The new session waits 2 s for the fence at most, and the pull for 4 s.
            #expect(start.duration(to: end) < .seconds(6.5))
        }
    }

    @Test(
        "with every server down each worker is told so by a typed error within its deadline, and joining names what is lost"
    )
    func allDown() async throws {
        try await ScenarioJob.run(seed: 14) { job in
            #expect(try await job.steps(1, slot: 0).isEmpty)
            let partitions = Set(job.cluster.coordinator.map.tables.flatMap(\.partitions).map(\.id))
            for server in 0..<2 { job.server(server).kill() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for slot in 0..<3 {
                    group.addTask {
                        try await job.work(slot, timeout: .seconds(3)) { client in
                            #expect(Set(client.session.unconfirmed) == partitions)
                            let start = job.runtime.now
                            let pull = await parameterServerError { _ = try await client.pull() }
                            #expect(pull?.code == .peerLost && pull?.peer != nil)
                            let report = try await client.push(ScenarioJob.gradients())
                            #expect(report.acknowledged.isEmpty)
                            #expect(Set(report.failed.map(\.error.code)) == [.peerLost])
                            #expect(report.failed.allSatisfy { $0.error.peer != nil })
                            #expect(start.duration(to: job.runtime.now) < .seconds(6.2))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("pushes that wait for a disk which fails all get the error, none twice; afterwards nothing of it is left")
    func failedQueue() async throws {
        try await ScenarioJob.run(seed: 18, servers: 1, hasLogs: true) { job in
            #expect(try await job.steps(2, slot: 0).isEmpty)
            let disk = job.server(0).disk
            var faults = LogFaults()
            faults.syncTime = .milliseconds(100) ... .milliseconds(100)
            faults.failedSyncShare = 1
            disk.setFaults(faults)
            let codes = try await job.work(0, timeout: .seconds(1)) { client in
                try await withThrowingTaskGroup(of: [ParameterServerError.Code].self) { group in
                    for _ in 0..<8 {
                        group.addTask { try await client.push(ScenarioJob.gradients()).failed.map(\.error.code) }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(codes.count == 32)
            #expect(
                Set(codes).isSubset(of: [.logFailed, .callFailed, .peerLost]) && codes.contains(.logFailed), "\(codes)")
            disk.setFaults(LogFaults())
            job.server(0).kill()
            try await job.startServer(0)
            #expect(try await job.steps(3, slot: 0).isEmpty)
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test(
        "what a session's successor is told is in the log: of a server whose disk fails it learns nothing, and is told so"
    )
    func reportOutlivesServer() async throws {
        try await ScenarioJob.run(seed: 43, servers: 1, hasLogs: true) { job in
            #expect(try await job.steps(1, slot: 0).isEmpty)
            var faults = LogFaults()
            faults.failedSyncShare = 1
            job.server(0).disk.setFaults(faults)
            _ = try await job.work(0, timeout: .seconds(1)) { try await $0.push(ScenarioJob.gradients()) }
            let session = try await job.work(0, timeout: .seconds(1)) { $0.session }
            #expect(session.predecessor?.applied.isEmpty == true)
            #expect(Set(session.unconfirmed) == Set(job.cluster.coordinator.map.partitions(headedBy: "server-0")))
        }
    }

    @Test("a server whose log has failed for good is an error to every worker, and not to one")
    func failureReachesAll() async throws {
        try await ScenarioJob.run(seed: 21, servers: 1, hasLogs: true) { job in
            #expect(try await job.steps(1, slot: 0).isEmpty)
            var faults = LogFaults()
            faults.capacity = 1
            job.server(0).disk.setFaults(faults)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for slot in 0..<3 {
                    group.addTask {
                        try await job.work(slot, timeout: .seconds(1)) { client in
                            let report = try await client.push(ScenarioJob.gradients())
                            #expect(report.failed.count == 4, "slot \(slot)")
                            #expect(Set(report.failed.map(\.error.code)) == [.logFailed], "slot \(slot)")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(
        "a server killed after it applied and before it answered: the same push, sent again, is answered and applied once"
    )
    func killedAfterApply() async throws {
        try await ScenarioJob.run(seed: 44, servers: 1, hasLogs: true) { job in
            let faults = LostAnswers()
            async let report = job.work(0, faults: faults) { client in
                _ = try await client.pull()
                return try await client.push(ScenarioJob.gradients())
            }
            // No answer has reached the worker, however often it asked, and every partition has applied the push.
            let reader = try job.cluster.reader()
            var accounts: [PartitionAccount] = []
            while accounts.map(\.version.applied) != [1, 1, 1, 1] {
                try await job.runtime.sleep(for: .milliseconds(1))
                accounts = try await reader.accounts()
            }
            #expect(accounts.allSatisfy { $0.version.epoch == 1 })
            job.server(0).kill()
            try await job.startServer(0)
            faults.stop()
            let (acknowledged, failed) = (try await report.acknowledged, try await report.failed.map(\.error))
            #expect(acknowledged.count == 4 && acknowledged.allSatisfy(\.isReplay), "\(failed)")
            #expect(try await job.cluster.reader().accounts().map(\.version.applied) == [1, 1, 1, 1])
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test("10,000 pushes of one with a fifth of the answers lost: the parameter is 10,000 exactly")
    func lostAnswers() async throws {
        try await SimulatedRuntime.run(seed: 42) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let faults = SeededFaults(seed: 42, replyLoss: 0.2, isAffected: { $0 == ParameterService.push.path })
            let client = try await cluster.client(cluster.mesh("/worker/0", faults: faults))
            try await client.declare([try Example.table("counter", shape: [1], rule: .sgd(learningRate: 1))])
            let gradients = try NamedTensors([("counter", .full([1], Float(-1)))])
            for push in 1...10_000 {
                let report = try await client.push(gradients)
                #expect(report.failed.isEmpty, "push \(push): \(report.failed.map(\.error))")
            }
            let value = try await client.pull().tensor(named: "counter").scalars(as: Float.self)
            #expect(value == [10_000])
            let account = try #require(try await cluster.reader().accounts().first)
            #expect(account.version.applied == 10_000 && account.counter == 10_000)
            #expect(account.duplicatesSuppressed > 1_500 && faults.counts.repliesLost > 1_500)
        }
    }

    @Test(
        "a server that is stopped for 30 seconds and goes on: every wait ends at its deadline, and every count agrees")
    func halfOpen() async throws {
        try await ScenarioJob.run(seed: 47) { job in
            #expect(try await job.steps(2, slot: 0).isEmpty)
            let server = job.server(1)
            server.pause()
            let errors = try await job.work(0, timeout: .seconds(5)) { client in
                let start = job.runtime.now
                let error = await parameterServerError { _ = try await client.pull() }
                #expect(start.duration(to: job.runtime.now) < .seconds(5.1))
                let report = try await client.push(ScenarioJob.gradients())
                #expect(start.duration(to: job.runtime.now) < .seconds(10.2))
                return [error?.code] + report.failed.map(\.error.code)
            }
            #expect(Set(errors).isSubset(of: [.callFailed, .peerLost]) && errors.count > 1, "\(errors)")
            try await job.runtime.sleep(for: .seconds(30))
            server.resume()
            #expect(try await job.steps(3, slot: 0).isEmpty)
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test("clocks that jump hours, forward and back, end no session and lose no push")
    func clockJumps() async throws {
        try await ScenarioJob.run(seed: 48, hasLogs: true) { job in
            async let working = job.steps(200, slot: 0)
            try await job.runtime.sleep(for: .milliseconds(100))
            let session = try #require(job.cluster.coordinator.fence.entry(for: 0)).session
            // Within what certificates are valid for: beyond that nobody is believed, as it must be.
            for step in [7_200, -7_200, 3_600, 36_000, -39_600] as [Int64] {
                for host in ["/coordinator", "/server/0", "/server/1", "/worker/0"] {
                    job.runtime.host(host).stepClock(by: .seconds(step))
                }
                try await job.runtime.sleep(for: .milliseconds(100))
            }
            #expect(try await working.isEmpty)
            #expect(job.cluster.coordinator.fence.entry(for: 0)?.session == session)
            #expect(try await job.audit().discrepancies == [])
        }
    }
}
