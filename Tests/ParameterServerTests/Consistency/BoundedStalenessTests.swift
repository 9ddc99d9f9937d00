import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Workers that may be so many steps ahead of the slowest, each on a simulated host of its own.
@Suite(.timeLimit(.minutes(5))) struct BoundedStalenessTests {
    /// How many have come to some place; guarded by a mutex.
    private final class Arrivals: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func add() { state.withLock { $0 += 1 } }
    }

    /// A gradient that counts the steps of a slot in an element of its own.
    private static func gradients(of slot: Int) throws -> NamedTensors {
        var weight = [Float](repeating: 0, count: 12)
        weight[slot] = -1
        return try NamedTensors([
            ("weight", AnyTensor(weight, shape: [4, 3])), ("bias", .zeros([3])),
        ])
    }

    private static func steps(in parameters: NamedTensors) throws -> [Float] {
        try parameters.tensor(named: "weight").scalars(as: Float.self)
    }

    /// Pulls in a task of its own, and says whether it has come back.
    private static func pullAside(
        _ client: ParameterClient, in group: inout ThrowingTaskGroup<Void, any Error>
    ) -> Arrivals {
        let isDone = Arrivals()
        group.addTask {
            _ = try await client.pull()
            isDone.add()
        }
        return isDone
    }

    @Test(
        "every pull has all steps of the others but the last few, whatever their pace",
        arguments: [0, 1, 3], 1...UInt64(rounds(2)))
    func bounds(limit: Int, seed: UInt64) async throws {
        let workers = 3
        try await ScenarioJob.run(seed: seed) { job in
            let joined = Arrivals()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for slot in 0..<workers {
                    group.addTask {
                        try await job.work(slot) { client in
                            var generator = SplitMix64(seed: seed &* 31 &+ UInt64(slot))
                            try await client.limitStaleness(to: limit)
                            joined.add()
                            while joined.count < workers {
                                try await job.runtime.sleep(for: .milliseconds(5))
                            }
                            for step in 0..<12 {
                                let steps = try Self.steps(in: try await client.pull())
                                for other in 0..<workers where other != slot {
                                    #expect(
                                        steps[other] >= Float(step - limit), "seed \(seed), slot \(slot), step \(step)")
                                }
                                #expect(steps[slot] == Float(step), "seed \(seed)")
                                let pause = Int.random(in: 0...(slot == 0 ? 400 : 20), using: &generator)
                                try await job.runtime.sleep(for: .milliseconds(pause))
                                let report = try await client.push(try Self.gradients(of: slot))
                                #expect(report.failed.isEmpty && report.tickFailure == nil, "seed \(seed)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let accounts = try await job.cluster.reader().accounts()
            #expect(accounts.allSatisfy { $0.version.applied == 36 && $0.counter == 36 })
        }
    }

    @Test("a step that leaves while it is computed counts once, and its new values wait for slower workers")
    func overlappedSteps() async throws {
        try await ScenarioJob.run(seed: 3) { job in
            try await job.work(0) { fast in
                try await job.work(1) { slow in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for client in [fast, slow] { try await client.limitStaleness(to: 0) }
                        let steps = Arrivals()
                        group.addTask {
                            for number in 1...2 {
                                let step = try await fast.step { push in
                                    let gradients = try Self.gradients(of: 0)
                                    for name in ["bias", "weight"] {
                                        push.add(.dense(try gradients.tensor(named: name)), of: name)
                                    }
                                }
                                #expect(step.report.failed.isEmpty && step.report.tickFailure == nil)
                                #expect(try Self.steps(in: step.parameters)[0...1] == [Float(number), Float(number)])
                                steps.add()
                            }
                        }
                        for number in 0..<2 {
                            try await job.runtime.sleep(for: .seconds(1))
                            #expect(steps.count == number && fast.clock == UInt64(number) + 1)
                            let report = try await slow.push(try Self.gradients(of: 1))
                            #expect(report.failed.isEmpty)
                        }
                        try await group.waitForAll()
                        #expect(steps.count == 2 && fast.clock == 2)
                    }
                }
            }
        }
    }

    @Test("a tick lets the others go on without a gradient, and so does a larger bound")
    func tickAndLimit() async throws {
        try await ScenarioJob.run(seed: 3) { job in
            try await job.work(0) { fast in
                try await job.work(1) { slow in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        let early = await parameterServerError { try await slow.tick() }
                        #expect(early?.code == .invalidConfiguration)
                        for client in [fast, slow] { try await client.limitStaleness(to: 1) }
                        for _ in 0..<2 { _ = try await fast.push(try Self.gradients(of: 0)) }
                        let first = Self.pullAside(fast, in: &group)
                        try await job.runtime.sleep(for: .seconds(1))
                        #expect(first.count == 0)
                        try await slow.tick()
                        try await group.waitForAll()
                        #expect(first.count == 1 && slow.clock == 1 && fast.clock == 2)
                        for _ in 0..<2 { _ = try await fast.push(try Self.gradients(of: 0)) }
                        let second = Self.pullAside(fast, in: &group)
                        try await job.runtime.sleep(for: .seconds(1))
                        #expect(second.count == 0)
                        try await fast.limitStaleness(to: 3)
                        // The pull that waits goes by the limit that it began with; the next one by the new limit.
                        _ = try await fast.pull()
                        #expect(second.count == 0)
                        for _ in 0..<2 { try await slow.tick() }
                        try await group.waitForAll()
                    }
                }
            }
            // Ticks are no pushes.
            let accounts = try await job.cluster.reader().accounts()
            #expect(accounts.allSatisfy { $0.version.applied == 4 && $0.appliedInLedger == 4 })
        }
    }

    @Test("a pull that waits in vain ends with the slot, session and identity that it waits for")
    func deadline() async throws {
        try await ScenarioJob.run(seed: 4) { job in
            try await job.work(1) { slow in
                try await slow.limitStaleness(to: 0)
                let error = try await job.work(0, timeout: .seconds(3)) { fast in
                    try await fast.limitStaleness(to: 0)
                    _ = try await fast.push(try Self.gradients(of: 0))
                    let start = job.runtime.now
                    let error = await parameterServerError { _ = try await fast.pull() }
                    #expect(start.duration(to: job.runtime.now) <= .seconds(3))
                    return error
                }
                #expect(error?.code == .staleClock)
                let message = error?.message ?? ""
                #expect(
                    message.contains("slot 1, session \(slow.session.id) of \(Example.identity("worker/1")), is at 0"))
                #expect(message.contains("waits for clock 1"))
            }
        }
    }

    @Test("tables that are declared with bounded staleness have it, by the least of their limits")
    func declared() async throws {
        try await SimulatedRuntime.run(seed: 8) { runtime in
            let cluster = try await TestCluster.start(runtime)
            var configuration = ParameterClientConfiguration()
            configuration.timeout = .seconds(2)
            var clients: [ParameterClient] = []
            for slot in 0..<2 {
                let client = try await cluster.client(
                    cluster.mesh("/worker/\(slot)"), slot: slot, configuration: configuration)
                try await client.declare(
                    [("weight", 1), ("bias", 4)].map { name, steps in
                        try TableDeclaration(
                            name: name, shape: [2], initializer: .zeros, key: RandomKey(seed: 1),
                            updateRule: .sgd(learningRate: 1), consistency: .boundedStaleness(steps: steps))
                    })
                clients.append(client)
            }
            let gradients = try NamedTensors([("weight", .ones([2])), ("bias", .ones([2]))])
            _ = try await clients[0].push(gradients)
            _ = try await clients[0].pull()
            _ = try await clients[0].push(gradients)
            let fast = clients[0]
            let error = await parameterServerError { _ = try await fast.pull() }
            #expect(error?.code == .staleClock)
            try await clients[1].tick()
            _ = try await clients[0].pull()
        }
    }

    @Test("the slowest worker dies: it is waited for until its lease ends, and no longer")
    func deadSlowest() async throws {
        try await ScenarioJob.run(seed: 5) { job in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let died = try await job.dies {
                        try await job.work(1) { slow in
                            try await slow.limitStaleness(to: 1)
                            try await slow.tick()
                            try await job.runtime.sleep(for: .seconds(600))
                        }
                    }
                    #expect(died)
                }
                try await job.runtime.sleep(for: .seconds(1))
                try await job.work(0) { fast in
                    try await fast.limitStaleness(to: 1)
                    for _ in 0..<2 { _ = try await fast.push(try Self.gradients(of: 0)) }
                    job.worker(1).kill()
                    let start = job.runtime.now
                    for _ in 0..<5 {
                        _ = try await fast.pull()
                        _ = try await fast.push(try Self.gradients(of: 0))
                    }
                    // The lease is 5 s, and is renewed every third of it.
                    let waited = start.duration(to: job.runtime.now)
                    #expect(waited > .seconds(2) && waited < .seconds(9), "\(waited)")
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a worker that takes a slot over joins where it was, and its predecessor holds nobody up")
    func takeover() async throws {
        try await ScenarioJob.run(seed: 6) { job in
            try await job.work(0) { fast in
                try await fast.limitStaleness(to: 1)
                try await job.work(1) { first in
                    try await first.limitStaleness(to: 1)
                    for _ in 0..<2 {
                        _ = try await fast.push(try Self.gradients(of: 0))
                        _ = try await first.push(try Self.gradients(of: 1))
                    }
                }
                // The session was closed: nobody waits for it.
                for _ in 0..<4 { _ = try await fast.push(try Self.gradients(of: 0)) }
                _ = try await fast.pull()
                try await job.work(1) { second in
                    try await second.limitStaleness(to: 1)
                    #expect(second.clock == 6)
                }
            }
        }
    }

    @Test("steps of row tables tick in the partitions that they have no rows for")
    func rows() async throws {
        try await SimulatedRuntime.run(seed: 7) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let table = try TableDeclaration(
                name: "items", rowWidth: 2, rows: TableDeclaration.RowSettings(), initializer: .zeros,
                key: RandomKey(seed: 1), updateRule: .sgd(learningRate: 1), partitionCount: 4)
            var clients: [ParameterClient] = []
            for slot in 0..<2 {
                let client = try await cluster.client(cluster.mesh("/worker/\(slot)"), slot: slot)
                try await client.declare([table])
                try await client.limitStaleness(to: 1)
                clients.append(client)
            }
            for step in 0..<20 as Range<UInt64> {
                for client in clients {
                    let rows = try KeyedRows(keys: [step], values: .ones([1, 2]))
                    // Rows of all partitions: each waits for the other worker's tick.
                    _ = try await client.pull(rows: Array(0..<20), of: "items")
                    let report = try await client.push(NamedTensors(), rows: ["items": rows])
                    #expect(report.acknowledged.count == 1 && report.tickFailure == nil)
                }
            }
            #expect(clients.map(\.clock) == [20, 20])
        }
    }

    @Test("a job that goes back goes on: workers say again how far they are, and wait for each other as before")
    func goesBack() async throws {
        try await SimulatedRuntime.run(seed: 12) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2)
            let workers = [try await job.worker(0), try await job.worker(1)]
            for worker in workers { try await worker.limitStaleness(to: 1) }
            func step(_ number: Int) async throws {
                for worker in workers {
                    _ = try await worker.pull()
                    _ = try await worker.push(CheckpointJob.gradients(number))
                }
            }
            for number in 1...3 { try await step(number) }
            try await job.checkpoints.write(step: 3)
            for number in 4...8 { try await step(number) }
            _ = try await job.checkpoints.restore()
            for worker in workers {
                #expect(
                    Set(try await worker.push(CheckpointJob.gradients(9)).failed.map(\.error.code)) == [.rolledBack])
            }
            // Each waits for the other, and partitions have both where they were at the checkpoint.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in workers { group.addTask { _ = try await worker.pull() } }
                try await group.waitForAll()
            }
            try await step(10)
            #expect(workers.map(\.clock) == [10, 10])
        }
    }

    @Test("a failover keeps the clocks: the next head lets nobody ahead whom the last one would not have")
    func failover() async throws {
        let table = try Example.table()
        let sessions = [Example.session(1), Example.session(2)]
        let fence = SessionFence(
            sessions.enumerated().map {
                SessionFence.Entry(slot: $0.offset, session: $0.element, owner: Example.worker, hasEnded: false)
            })
        func state() throws -> PartitionState {
            try PartitionState(
                id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
                intactSince: 1, parameters: table.initialValues(ofPartition: 0), fence: fence,
                limits: PushLedger.Limits())
        }
        var (head, follower) = (try state(), try state())
        func run(_ record: PartitionRecord) throws {
            _ = try head.execute(record)
            let received: PartitionRecord = try Payload(record).decode()
            _ = try follower.execute(received)
        }
        let tick = ArrivedTick(session: sessions[1], peer: Example.worker, tick: ClockTick(slot: 1, clock: 0))
        try run(try #require(try head.record(of: tick)))
        for sequence in 1...4 as ClosedRange<UInt64> {
            var push = try Example.push(sequence)
            push.tick = ClockTick(slot: 0, clock: sequence)
            guard case .record(let record) = head.decide(push, fault: nil) else {
                Issue.record("no record")
                return
            }
            try run(record)
        }
        #expect(head.clocks.entries.map(\.clock) == [4, 0])
        #expect(follower.clocks == head.clocks)
        let snapshot: PartitionSnapshot = try Payload(follower.snapshot).decode()
        let restarted = try PartitionState(
            snapshot, id: head.id, name: head.name, of: table, epoch: 2, intactSince: 1, limits: PushLedger.Limits())
        #expect(restarted.clocks == head.clocks)
        // A copy says nothing new, and a session that was replaced may say nothing.
        #expect(try head.record(of: tick) == nil)
        let newer = SessionFence([
            SessionFence.Entry(slot: 1, session: Example.session(9), owner: Example.worker, hasEnded: false)
        ])
        try run(try #require(head.record(of: newer)))
        do throws(ParameterServerError) {
            _ = try head.record(of: tick)
            Issue.record("taken")
        } catch {
            #expect(error.code == .sessionFenced)
        }
    }
}
