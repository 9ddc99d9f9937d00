import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

/// What a table declares of gradients that are not finite, and of stale ones.
@Suite(.timeLimit(.minutes(2))) struct GradientPolicyTests {
    private static func table(_ rule: UpdateRule = .adam()) throws -> TableDeclaration {
        var table = try Example.table(initializer: .uniform(low: -1, high: 1), rule: rule)
        table.nonFinitePolicy = .skip
        return table
    }

    @Test(
        "a gradient that is not finite is skipped: answered and counted apart, and the partition stays bit-equal",
        arguments: [Float.nan, .infinity, -.infinity])
    func skips(value: Float) async throws {
        let metrics = MetricsRegistry()
        let partition = try Example.partition(Self.table(), metrics: metrics)
        let twin = try Example.partition(Self.table())
        _ = await partition.reply(to: try Example.push(1))
        let poisoned = try Example.push(2, gradient: [1, value, 1, 1])
        let reply = await partition.reply(to: poisoned)
        #expect(reply.outcome == .skipped("partition weight#0: element 1 of the gradient is not finite"))
        #expect(reply.version.applied == 1)
        let copy = await partition.reply(to: poisoned)
        #expect(copy.isReplay && copy.outcome == reply.outcome)
        #expect(try Payload(reply).decode(as: PushReply.self) == reply)
        let account = try #require(await partition.account())
        #expect(account.sessions.map(\.skipped.runs) == [[2...2]])
        #expect((account.version.applied, account.counter, account.appliedInLedger) == (1, 1, 1))
        #expect((account.rejectedInLedger, account.skippedInLedger) == (0, 1))
        let pushes = metrics.counter("parameter_pushes_total", help: "", labels: "table", "outcome")
        #expect(
            ["applied", "skipped", "rejected", "duplicate"].map { pushes.series("weight", $0).value } == [1, 1, 0, 1])
        // The optimizer's state is untouched too: the next step is what it would have been.
        for sequence in [1, 3] as [UInt64] { _ = await twin.reply(to: try Example.push(sequence)) }
        _ = await partition.reply(to: try Example.push(3))
        #expect(try Example.bits(#require(partition.pullIfFree()).0) == Example.bits(#require(twin.pullIfFree()).0))
    }

    @Test("only what is not finite is skipped: other faults are refused as ever")
    func refusesOthers() async throws {
        let partition = try Example.partition(Self.table())
        let reply = await partition.reply(to: try Example.push(1, gradient: [1, 1, 1]))
        guard case .refused(.shapeMismatch, _) = reply.outcome else {
            Issue.record("\(reply)")
            return
        }
    }

    @Test("training goes on past a skipped gradient, the finite shares of its step are applied, and the audit agrees")
    func trainsOn() async throws {
        try await SimulatedRuntime.run(seed: 8) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let notes = PushNotebook()
            let client = try await cluster.client(cluster.mesh("/worker/0"), observer: notes.observer)
            var skipping = try Example.table("skipping", shape: [4], partitions: 2)
            skipping.nonFinitePolicy = .skip
            let strict = try Example.table("strict", shape: [2])
            try await client.declare([skipping, strict])
            func push(_ first: Float, _ strict: Float = 1) async throws -> PushReport {
                try await client.push(
                    NamedTensors([
                        ("skipping", AnyTensor([first, 1, 1, 1], shape: [4])), ("strict", .full([2], strict)),
                    ]))
            }
            let report = try await push(.nan)
            #expect(report.failed.isEmpty && report.acknowledged.count == 2)
            #expect(report.skipped.map(\.push.name) == [PartitionName(table: "skipping", index: 0)])
            #expect(report.skipped[0].reason.contains("element 0 of the gradient is not finite"))
            #expect(try await push(1).acknowledged.count == 3)
            let error = await parameterServerError { _ = try await push(1, .nan) }
            #expect(error?.code == .nonFinite)
            let parameters = try await client.pull()
            #expect(try parameters.tensor(named: "skipping").scalars(as: Float.self) == [-1, -1, -2, -2])
            #expect(try parameters.tensor(named: "strict").scalars(as: Float.self) == [-2, -2])
            let audit = PushAudit(
                accounts: try await cluster.reader().accounts(), sent: notes.all.sent,
                acknowledged: notes.all.acknowledged)
            #expect(audit.discrepancies == [])
            #expect((audit.sent, audit.applied, audit.skipped, audit.rejected) == (6, 5, 1, 0))
            #expect(cluster.log.records.contains { $0.message == "push refused" && $0.metadata["code"] == "nonFinite" })
        }
    }

    @Test("the learning rate falls with staleness by the declared formula, and travels with the record")
    func damping() throws {
        var table = try Example.table(rule: .sgd(learningRate: 1))
        table.damping = try StalenessDamping(power: 2, threshold: 1)
        var head = try PartitionState(
            id: PartitionID(rawValue: 1), name: PartitionName(table: "weight", index: 0), of: table, epoch: 1,
            intactSince: 1, parameters: table.initialValues(ofPartition: 0), fence: Self.twoWorkers,
            limits: PushLedger.Limits())
        var follower = head
        func push(_ sequence: UInt64, slot: Int, basis: UInt64) throws -> Float? {
            var push = try Example.push(
                sequence, of: Example.session(UInt64(slot + 1)), basis: PartitionVersion(epoch: 1, applied: basis))
            push.slot = slot
            guard case .record(let record) = head.decide(push, fault: nil),
                case .apply(_, gradient: _, let rate) = record.change
            else { return nil }
            _ = try head.execute(record)
            let received: PartitionRecord = try Payload(record).decode()
            _ = try follower.execute(received)
            return rate
        }
        var rates: [Float?] = []
        for sequence in 1...4 as ClosedRange<UInt64> { rates.append(try push(sequence, slot: 0, basis: sequence - 1)) }
        // Four, three, two and one push of the other worker are new to these, then its own alone.
        for (sequence, basis) in [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)] as [(UInt64, UInt64)] {
            rates.append(try push(sequence, slot: 1, basis: basis))
        }
        #expect(rates == [1, 1, 1, 1, 1.0 / 16, 1.0 / 9, 0.25, 1, 1])
        #expect(try Example.bits(follower.parameters) == Example.bits(head.parameters))
    }

    @Test("a power that is no number above 0 is refused")
    func powers() {
        for power in [0, -1, .nan, .infinity] as [Double] {
            do throws(ParameterServerError) {
                _ = try StalenessDamping(power: power)
                Issue.record("\(power) was taken")
            } catch {
                #expect(error.code == .invalidDeclaration)
            }
        }
    }

    private static let twoWorkers = SessionFence(
        (0..<2).map {
            SessionFence.Entry(
                slot: $0, session: Example.session(UInt64($0 + 1)), owner: Example.worker, hasEnded: false)
        })
}
