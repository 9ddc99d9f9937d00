import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Rounds with whole servers and workers, on simulated hosts.
@Suite struct RoundTests {
    /// Loses and doubles what a worker says about pushes and rounds.
    private static func faults(_ seed: UInt64) -> SeededFaults {
        SeededFaults(
            seed: seed, replyLoss: 0.06, requestLoss: 0.04, requestDuplication: 0.06,
            isAffected: { $0.hasPrefix("\(ParameterService.name)/") || $0.hasPrefix("\(RoundService.name)/") })
    }

    @Test(
        "with every message that may be lost, doubled or late, rounds make the bits that one process makes",
        arguments: [Consistency.synchronous(workers: 3), .deterministic(workers: 3)])
    func sameBits(consistency: Consistency) async throws {
        let expected = try RoundReference.trained(slots: 3, rounds: 8)
        for seed in 1...UInt64(rounds(3)) {
            try await ReplicatedJob.run(seed: seed, servers: 2, replicas: 0) { job in
                async let first = job.train(slot: 0, 0..<8, consistency, faults: Self.faults(seed))
                async let second = job.train(slot: 1, 0..<8, consistency, faults: Self.faults(seed + 100))
                async let third = job.train(slot: 2, 0..<8, consistency, faults: Self.faults(seed + 200))
                let outcomes = try await [first, second, third]
                for outcome in outcomes {
                    #expect(outcome.errors.isEmpty, "seed \(seed): \(outcome.errors)")
                    #expect(outcome.late == 0 && outcome.applied == 8, "seed \(seed)")
                }
                #expect(try await job.bits() == expected, "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect((audit.acknowledged, audit.applied) == (96, 96), "seed \(seed)")
                #expect(job.closedRounds() == Array(repeating: 8, count: 4), "seed \(seed)")
                let figures = job.roundFigures(slots: 3)
                #expect((figures.timed, figures.last.reduce(0, +), figures.late) == (32, 32, 0), "seed \(seed)")
            }
        }
    }

    @Test("a gradient that a table skips is done without: nobody waits for it, and its step is no failure")
    func skipped() async throws {
        try await ReplicatedJob.run(seed: 6, servers: 2, replicas: 0) { job in
            let consistency = Consistency.synchronous(workers: 2)
            let tables = try job.roundTables(consistency).map { table in
                var table = table
                table.nonFinitePolicy = .skip
                return table
            }
            @concurrent
            func step(_ slot: Int, _ value: Float) async throws -> PushReport {
                let coordination = try job.cluster.coordination(try job.cluster.mesh("/worker/\(slot)"))
                let client = try ParameterClient(try await coordination.openSession(slot: slot), coordination)
                defer { client.close() }
                try await client.declare(tables)
                let parameters = try await client.pull()
                let report = try await client.push(
                    try parameters.mapValues { name, tensor throws(TensorError) in
                        try AnyTensor.full(tensor.shape, name == "bias" ? value : 1)
                    })
                try await coordination.close(client.session)
                return report
            }
            async let first = step(0, .nan)
            async let second = step(1, 2)
            let reports = try await [first, second]
            #expect(reports.map(\.failed.count) == [0, 0])
            #expect(reports.map { $0.skipped.map(\.push.name.table) } == [["bias"], []])
            #expect(reports.map(\.acknowledged.count) == [3, 4])
            #expect(job.closedRounds() == Array(repeating: 1, count: 4))
        }
    }

    @Test("a snapshot of tables that take rounds is read as any other")
    func snapshot() async throws {
        try await ReplicatedJob.run(seed: 6, servers: 2, replicas: 0) { job in
            let outcome = try await job.train(slot: 0, 0..<3, .synchronous(workers: 1))
            #expect(outcome.applied == 3)
            let reader = try job.cluster.reader()
            defer { reader.close() }
            let read = try await reader.withSnapshot { try RoundReference.bits(try await $0.pull()) }
            #expect(try await job.bits() == read)
        }
    }

    /// Which table's head is killed: the one that leads rounds, or one that follows.
    @Test(
        "a head is killed in the middle of rounds: the next goes on with the same sets, to the same bits",
        arguments: [ReservedTables.rounds, "weight"])
    func failover(table: String) async throws {
        let expected = try RoundReference.trained(slots: 2, rounds: 20)
        let consistency = Consistency.synchronous(workers: 2)
        for seed in 1...UInt64(rounds(2)) {
            try await ReplicatedJob.run(seed: seed, servers: 3, replicas: 1) { job in
                async let first = job.train(slot: 0, 0..<20, consistency)
                async let second = job.train(slot: 1, 0..<20, consistency)
                try await job.runtime.sleep(for: .microseconds(150_000 + Int64(seed * 7_919 % 60_000)))
                let head = try #require(job.cluster.coordinator.map.table(named: table)?.partitions.first?.head)
                let victim = try #require(Int(head.dropFirst("server-".count)))
                job.kill(victim)
                let outcomes = try await [first, second]
                for outcome in outcomes {
                    #expect(outcome.errors.isEmpty, "seed \(seed): \(outcome.errors)")
                    #expect(outcome.applied == 20, "seed \(seed)")
                }
                #expect(try await job.isSettled(), "seed \(seed)")
                #expect(await job.differences() == [], "seed \(seed)")
                #expect(try await job.bits() == expected, "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.applied == 160, "seed \(seed)")
            }
        }
    }

    @Test("with a backup worker the fast ones do not wait for the slow one, which is late and goes on with what stands")
    func backupWorker() async throws {
        for seed in 1...UInt64(rounds(2)) {
            try await ReplicatedJob.run(seed: seed, servers: 2, replicas: 0) { job in
                let consistency = Consistency.synchronous(workers: 3, backupWorkers: 1)
                async let slow = job.train(slot: 2, 0..<12, consistency, pause: .milliseconds(400))
                async let first = job.train(slot: 0, 0..<40, consistency)
                async let second = job.train(slot: 1, 0..<40, consistency)
                let outcomes = try await [first, second, slow]
                for outcome in outcomes { #expect(outcome.errors.isEmpty, "seed \(seed): \(outcome.errors)") }
                #expect(outcomes[2].late > 0, "seed \(seed)")
                #expect(outcomes.allSatisfy { $0.applied > 0 }, "seed \(seed)")
                let closed = job.closedRounds()
                #expect(Set(closed).count == 1, "seed \(seed): \(closed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.applied == UInt64(4 * outcomes.reduce(0) { $0 + $1.applied }), "seed \(seed)")
                #expect(audit.sent > audit.applied, "seed \(seed)")
                let figures = job.roundFigures(slots: 3)
                #expect(figures.timed == UInt64(closed.reduce(0) { $0 + ($1 ?? 0) }), "seed \(seed)")
                #expect(figures.late >= UInt64(4 * outcomes[2].late), "seed \(seed)")
            }
        }
    }

    @Test("a round that waits names the worker; when that one's session ends, the others go on")
    func stalled() async throws {
        try await ReplicatedJob.run(seed: 3, servers: 2, replicas: 0) { job in
            let consistency = Consistency.synchronous(workers: 2)
            let (idle, coordination) = try await job.roundClient(slot: 1, consistency)
            let (client, _) = try await job.roundClient(slot: 0, consistency, timeout: .seconds(2))
            let gradients = try RoundReference.gradients(try await client.pull(), slot: 0, step: 0)
            _ = try await idle.pull()
            async let other = idle.push(gradients)
            #expect(try await client.push(gradients).failed.isEmpty)
            #expect(try await other.failed.isEmpty)

            _ = try await client.pull()
            let start = job.runtime.now
            let report = try await client.push(gradients)
            #expect(start.duration(to: job.runtime.now) < .seconds(3))
            #expect(report.acknowledged.isEmpty && report.failed.count == 4)
            for failure in report.failed {
                #expect(failure.error.code == .roundStalled)
                #expect(failure.error.message.contains("slot 1 (session \(idle.session.id))"), "\(failure.error)")
            }
            try await coordination.close(idle.session)
            try await job.runtime.sleep(for: .seconds(1))
            _ = try await client.pull()
            let next = try await client.push(gradients)
            #expect(next.failed.isEmpty, "\(next.failed.map(\.error))")
            #expect(next.acknowledged.count == 4 && next.staleness == 0)
            // Round 2 was closed with the push that had waited, although its worker had given it up.
            #expect(job.closedRounds() == Array(repeating: 3, count: 4))
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.applied == 16 && audit.acknowledged == 12)
            idle.close()
            client.close()
        }
    }

    @Test(
        "a worker is replaced in the middle of a deterministic job: the round waits for the next, and the bits are the same"
    )
    func replacedWorker() async throws {
        let expected = try RoundReference.trained(slots: 2, rounds: 10)
        let consistency = Consistency.deterministic(workers: 2)
        try await ReplicatedJob.run(seed: 5, servers: 2, replicas: 0) { job in
            async let first = job.train(slot: 0, 0..<10, consistency)
            let before = try await job.train(slot: 1, 0..<4, consistency)
            // Its session has ended; nobody is in the slot for a while.
            try await job.runtime.sleep(for: .seconds(3))
            #expect(job.closedRounds() == Array(repeating: 4, count: 4))
            let after = try await job.train(slot: 1, 4..<10, consistency)
            for outcome in [try await first, before, after] { #expect(outcome.errors.isEmpty, "\(outcome.errors)") }
            #expect(try await job.bits() == expected)
            #expect(try await job.audit().discrepancies == [])
        }
    }

    @Test("two workers that would have different rounds cannot both declare, and a push before a pull is refused")
    func conflicts() async throws {
        try await ReplicatedJob.run(seed: 1, servers: 1, replicas: 0) { job in
            let (client, coordination) = try await job.roundClient(slot: 0, .synchronous(workers: 2))
            let other = try ParameterClient(try await coordination.openSession(slot: 1), coordination)
            let error = await parameterServerError {
                try await other.declare(try job.roundTables(.synchronous(workers: 2, backupWorkers: 1)))
            }
            #expect(error?.code == .coordination)
            #expect((error?.cause as? CoordinationError)?.code == .conflictingDeclaration)
            // Another table of the job too.
            let third = await parameterServerError {
                try await other.declare([
                    try TableDeclaration(
                        name: "other", shape: [2], initializer: .zeros, key: RandomKey(seed: 1),
                        updateRule: .sgd(learningRate: 1), consistency: .deterministic(workers: 2))
                ])
            }
            #expect((third?.cause as? CoordinationError)?.code == .conflictingDeclaration)
            let mixed = await parameterServerError {
                try await other.declare(
                    [
                        try job.roundTables(.synchronous(workers: 2))[0],
                        try job.roundTables(.deterministic(workers: 2))[1],
                    ])
            }
            #expect(mixed?.code == .invalidDeclaration)
            let early = await parameterServerError {
                _ = try await client.push(
                    NamedTensors([("weight", .full([8, 5], Float(1))), ("bias", .full([5], Float(1)))]))
            }
            #expect(early?.code == .malformedRequest)
            client.close()
            other.close()
        }
    }
}
