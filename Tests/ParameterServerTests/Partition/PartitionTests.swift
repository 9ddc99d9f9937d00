import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

@Suite struct PartitionTests {
    @Test("a push changes the parameters once, however often it arrives")
    func appliesOnce() throws {
        let partition = try Example.partition(Example.table())
        let replies = try (0..<3).map { _ in try #require(partition.pushIfFree(Example.push(1))).reply }
        #expect(replies.map(\.isReplay) == [false, true, true])
        #expect(Set(replies.map(\.version)) == [PartitionVersion(epoch: 1, applied: 1)])
        #expect(replies[0].durability == .memory)
        let (parameters, version, _) = try #require(partition.pullIfFree())
        #expect(try parameters.scalars(as: Float.self) == [-1, -1, -1, -1])
        #expect(version.applied == 1)
    }

    @Test("version, audit counter and ledger move together")
    func accountsAgree() async throws {
        let partition = try Example.partition(Example.table())
        for sequence in [1, 3, 2, 3] as [UInt64] { _ = await partition.reply(to: try Example.push(sequence)) }
        let account = try #require(await partition.account())
        #expect(account.version.applied == 3)
        #expect(account.counter == 3)
        #expect(account.appliedInLedger == 3)
        #expect(account.duplicatesSuppressed == 1)
        #expect(try Payload(account).decode() == account)
    }

    @Test(
        "a push that is not finite is rejected, counted, remembered, and leaves the partition bit-equal",
        arguments: [
            Float.nan, .infinity, -.infinity,
        ])
    func rejectsNonFinite(value: Float) async throws {
        let metrics = MetricsRegistry()
        let table = try Example.table(initializer: .uniform(low: -1, high: 1), rule: .adam())
        let partition = try Example.partition(table, metrics: metrics)
        _ = await partition.reply(to: try Example.push(1))
        let before = try Example.bits(#require(partition.pullIfFree()).0)
        let poisoned = try Example.push(2, gradient: [1, 1, value, 1])
        let reply = await partition.reply(to: poisoned)
        let copy = await partition.reply(to: poisoned)
        guard case .refused(.nonFinite, let message) = reply.outcome else {
            Issue.record("\(reply)")
            return
        }
        #expect(message == "partition weight#0: element 2 of the gradient is not finite")
        #expect(copy.isReplay && copy.outcome == reply.outcome)
        #expect(try Example.bits(#require(partition.pullIfFree()).0) == before)
        let account = try #require(await partition.account())
        #expect(account.sessions.map(\.rejected.runs) == [[2...2]])
        #expect((account.version.applied, account.counter, account.appliedInLedger) == (1, 1, 1))
        let pushes = metrics.counter("parameter_pushes_total", help: "", labels: "table", "outcome")
        #expect(["applied", "nonfinite", "duplicate"].map { pushes.series("weight", $0).value } == [1, 1, 1])
        // The optimizer's state is untouched too: the next step is what it would have been.
        let twin = try Example.partition(table)
        _ = await twin.reply(to: try Example.push(1))
        _ = await twin.reply(to: try Example.push(2))
        _ = await partition.reply(to: try Example.push(3))
        #expect(try Example.bits(#require(partition.pullIfFree()).0) == Example.bits(#require(twin.pullIfFree()).0))
    }

    @Test("a gradient of the wrong size or type is rejected and changes nothing")
    func rejectsWrongShape() async throws {
        let partition = try Example.partition(Example.table())
        let before = try Example.bits(#require(partition.pullIfFree()).0)
        let short = await partition.reply(to: try Example.push(1, gradient: [1, 1, 1]))
        guard case .refused(.shapeMismatch, "partition weight#0: expected 4 elements, found 3") = short.outcome else {
            Issue.record("\(short)")
            return
        }
        var integers = try Example.push(2)
        integers.gradient = try AnyTensor([1, 2, 3, 4] as [Int32], shape: [4])
        let typed = await partition.reply(to: integers)
        guard case .refused(.dtypeMismatch, _) = typed.outcome else {
            Issue.record("\(typed)")
            return
        }
        #expect(try Example.bits(#require(partition.pullIfFree()).0) == before)
    }

    @Test("once a fence is installed, nothing of the session that it shuts out is applied")
    func fences() async throws {
        let (old, new) = (Example.session(1), Example.session(2))
        let partition = try Example.partition(Example.table(), fence: Example.fence(old))
        _ = await partition.reply(to: try Example.push(1, of: old))
        let applied = await partition.install(Example.fence(new), reportOn: old)
        #expect(applied.runs == [1...1])
        let late = await partition.reply(to: try Example.push(2, of: old))
        let copy = await partition.reply(to: try Example.push(1, of: old))
        for reply in [late, copy] {
            guard case .refused(.sessionFenced, _) = reply.outcome else {
                Issue.record("\(reply)")
                continue
            }
        }
        let first = await partition.reply(to: try Example.push(1, of: new))
        #expect(first.outcome == .applied)
        #expect(await partition.account()?.version.applied == 2)
    }

    @Test("a session that is unknown, has ended, or belongs to another identity pushes nothing")
    func refusesSessions() async throws {
        let session = Example.session(1)
        func code(_ fence: SessionFence, _ push: PartitionPush) async throws -> ParameterServerError.Code? {
            let partition = try Example.partition(Example.table(), fence: fence)
            guard case .refused(let code, _) = await partition.reply(to: push).outcome else { return nil }
            #expect(await partition.account()?.sessions.isEmpty == true)
            return code
        }
        let push = try Example.push(1, of: session)
        #expect(try await code(SessionFence(), push) == .sessionUnknown)
        #expect(try await code(Example.fence(session, hasEnded: true), push) == .sessionExpired)
        let stranger = try Example.push(1, of: session, peer: Example.identity("worker/9"))
        #expect(try await code(Example.fence(session), stranger) == .notOwner)
    }

    @Test("a gradient of parameters that have gone back is refused and may be made anew")
    func refusesOldEpoch() async throws {
        let partition = try Example.partition(Example.table(), epoch: 2)
        let old = await partition.reply(to: try Example.push(1))
        guard case .refused(.rolledBack, _) = old.outcome else {
            Issue.record("\(old)")
            return
        }
        let anew = await partition.reply(to: try Example.push(1, basis: PartitionVersion(epoch: 2, applied: 0)))
        #expect(anew.outcome == .applied)
    }

    @Test("a push says how many others were applied since its pull")
    func staleness() async throws {
        let partition = try Example.partition(Example.table())
        let other = Example.session(2)
        _ = await partition.install(
            SessionFence([SessionFence.Entry(slot: 1, session: other, owner: Example.worker)]), reportOn: nil)
        for sequence in 1...3 as ClosedRange<UInt64> {
            var push = try Example.push(sequence, of: other)
            push.slot = 1
            _ = await partition.reply(to: push)
        }
        let basis = PartitionVersion(epoch: 1, applied: 1)
        let late = try [
            await partition.reply(to: Example.push(1, basis: basis)),
            await partition.reply(to: Example.push(2, basis: basis)),
        ]
        #expect(late.map(\.staleness) == [2, 2])
    }

    @Test("parameters that were pulled stay as they were when later pushes come")
    func pullsAreSnapshots() async throws {
        let partition = try Example.partition(Example.table())
        let (snapshot, _, _) = try #require(partition.pullIfFree())
        let segment = Segment(snapshot)
        _ = await partition.reply(to: try Example.push(1))
        #expect(try snapshot.scalars(as: Float.self) == [0, 0, 0, 0])
        #expect(try segment.floats().scalars(as: Float.self) == [0, 0, 0, 0])
        #expect(try #require(partition.pullIfFree()).0.scalars(as: Float.self) == [-1, -1, -1, -1])
    }

    @Test("pushes from many tasks at once are each applied once")
    func concurrentPushes() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.queuedPushes = 1_000
        let partition = try Example.partition(Example.table(), configuration: configuration)
        await withThrowingTaskGroup { group in
            for sequence in 1...200 as ClosedRange<UInt64> {
                for _ in 0..<3 { group.addTask { _ = await partition.reply(to: try Example.push(sequence)) } }
            }
        }
        let account = try #require(await partition.account())
        #expect((account.version.applied, account.counter) == (200, 200))
        #expect(account.duplicatesSuppressed == 400)
        #expect(try #require(partition.pullIfFree()).0.scalars(as: Float.self) == [-200, -200, -200, -200])
    }

    @Test(
        "a partition agrees with a sum over the pushes that may count, under copies, reorderings and fences",
        arguments: 1...12 as ClosedRange<UInt64>)
    func agreesWithSum(seed: UInt64) async throws {
        var generator = SplitMix64(seed: seed)
        let partition = try Example.partition(Example.table(), fence: SessionFence())
        var newest: UInt64 = 0
        var counted: Set<[UInt64]> = []
        for _ in 0..<400 {
            if newest == 0 || Int.random(in: 0..<40, using: &generator) == 0 {
                newest += 1
                _ = await partition.install(Example.fence(Example.session(newest)), reportOn: nil)
            }
            let ordinal = UInt64.random(in: max(1, newest - min(newest, 2))...(newest + 1), using: &generator)
            let sequence = UInt64.random(in: 1...30, using: &generator)
            let reply = await partition.reply(to: try Example.push(sequence, of: Example.session(ordinal)))
            let mayCount = ordinal == newest
            #expect((reply.outcome == .applied) == mayCount, "seed \(seed)")
            if mayCount {
                let isNew = counted.insert([ordinal, sequence]).inserted
                #expect(reply.isReplay != isNew, "seed \(seed)")
            }
        }
        let sum = -Float(counted.count)
        #expect(try #require(partition.pullIfFree()).0.scalars(as: Float.self) == [sum, sum, sum, sum], "seed \(seed)")
        let account = try #require(await partition.account())
        #expect(account.counter == Int64(counted.count), "seed \(seed)")
        let ids = account.sessions.flatMap { entry in
            entry.applied.runs.flatMap { $0.map { [entry.session.high, $0] } }
        }
        #expect(Set(ids) == counted, "seed \(seed)")
    }
}
