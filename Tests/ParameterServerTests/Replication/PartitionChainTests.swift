import Coordination
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import Testing

@testable import ParameterServer

/// A head's partition, and what its clients are answered while the chain has come so far.
@Suite struct PartitionChainTests {
    /// Has room for so many bytes, and sends nothing.
    final class Limited: ChainDriver {
        let limit: Int
        let used = Atomic(0)
        init(limit: Int) { self.limit = limit }
        var recordBytes: Int { limit }
        func take(_ news: ChainNews) { used.add(news.uncommittedBytes, ordering: .relaxed) }
        func reserve(_ bytes: Int) -> Bool {
            guard used.load(ordering: .relaxed) + bytes <= limit else { return false }
            used.add(bytes, ordering: .relaxed)
            return true
        }
        func release(_ bytes: Int) { used.subtract(bytes, ordering: .relaxed) }
        func refuse(_ partition: PartitionID, on stream: UInt64, epoch: UInt64, newest: UInt64) {}
        func breakOff(_ stream: UInt64) {}
        func makeRoom() {}
        func cannotExecute(_ partition: PartitionName, _ error: ParameterServerError) {}
        func waited(_ duration: Duration) {}
    }

    static func place(_ chain: [String], epoch: UInt64 = 1) throws -> ChainPlace {
        let entry = PartitionMap.Partition(
            id: PartitionID(rawValue: 1), head: chain[0], epoch: epoch, byteCount: 0,
            followers: Array(chain.dropFirst()))
        return try #require(ChainPlace(of: "a", in: entry))
    }

    /// A head whose follower stands at the beginning.
    static func head(limit: Int = 1 << 20) throws -> (Partition, Limited) {
        let table = try Example.table()
        let first = try PartitionState(
            id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
            intactSince: 1, parameters: table.initialValues(ofPartition: 0),
            fence: Example.fence(Example.session(1)), limits: PushLedger.Limits())
        let driver = Limited(limit: limit)
        let partition = Partition(
            first, in: try place(["a", "b"]), configuration: ParameterServerConfiguration(),
            meter: ApplyMeter(MetricsRegistry(), runtime: StillRuntime()), log: nil, driver: driver)
        partition.open()
        partition.chained { $0.successorReached() }
        _ = partition.nextMessage(for: "b")
        partition.chained { $0.successorStands(at: ChainStanding(position: 0, epoch: 1), epoch: 1) }
        return (partition, driver)
    }

    @Test("a push is answered when its follower has it, and its copy is too; both say how many have it")
    func waits() async throws {
        let replies = try await SimulatedRuntime.run(seed: 1) { runtime in
            let (partition, _) = try Self.head()
            let first = await partition.push(try Example.push(1))
            let copy = await partition.push(try Example.push(1))
            #expect(first.recorded == 1 && copy.recorded == 1 && !first.isSettled)
            let end = runtime.now.advanced(by: .seconds(10))
            async let one = partition.settled(first, until: end, on: runtime)
            async let two = partition.settled(copy, until: end, on: runtime)
            try await runtime.sleep(for: .seconds(1))
            partition.chained { $0.successorAcknowledged(1, epoch: 1) }
            let replies = await [one, two]
            #expect(runtime.now.nanoseconds == 1_000_000_000)
            return replies
        }
        #expect(replies.map(\.outcome) == [.applied, .applied])
        #expect(replies.map(\.isReplay) == [false, true])
        #expect(replies.map(\.durability) == [.replicated(1), .replicated(1)])
    }

    @Test("a push that the follower does not have at its deadline is unconfirmed, and its copy is answered later")
    func unconfirmed() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let (partition, _) = try Self.head()
            let push = await partition.push(try Example.push(1))
            let reply = await partition.settled(push, until: runtime.now.advanced(by: .seconds(1)), on: runtime)
            guard case .refused(.unconfirmed, _) = reply.outcome else {
                Issue.record("\(reply.outcome)")
                return
            }
            partition.chained { $0.successorAcknowledged(1, epoch: 1) }
            let copy = await partition.push(try Example.push(1))
            let later = await partition.settled(copy, until: runtime.now.advanced(by: .seconds(1)), on: runtime)
            #expect(later.outcome == .applied && later.isReplay && later.durability == .replicated(1))
            #expect(await partition.account()?.counter == 1)
        }
    }

    @Test("when another server has become the head, whoever waits is sent there, and nothing more is taken")
    func deposed() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let (partition, driver) = try Self.head()
            let push = await partition.push(try Example.push(1))
            let end = runtime.now.advanced(by: .seconds(10))
            async let waiting = partition.settled(push, until: end, on: runtime)
            try await runtime.sleep(for: .seconds(1))
            partition.leave()
            for reply in [await waiting, await partition.push(try Example.push(2)).reply] {
                guard case .refused(.notRegistered, let message) = reply.outcome else {
                    Issue.record("\(reply.outcome)")
                    return
                }
                #expect(message.contains("ask its head"))
            }
            #expect(runtime.now.nanoseconds == 1_000_000_000)
            #expect(partition.pullIfFree() == nil)
            #expect(driver.used.load(ordering: .relaxed) == 0)
        }
    }

    @Test(
        "beyond its limit a head refuses pushes, which may come again, and takes them when the follower has caught up")
    func limit() async throws {
        let (partition, driver) = try Self.head(limit: 700)
        var sequence: UInt64 = 0
        var reply = PushReply(
            partition: partition.id, outcome: .applied, version: PartitionVersion(epoch: 1, applied: 0))
        while reply.outcome == .applied, sequence < 10 {
            sequence += 1
            reply = await partition.push(try Example.push(sequence)).reply
            #expect(driver.used.load(ordering: .relaxed) <= 700)
        }
        guard case .refused(.busy, _) = reply.outcome else {
            Issue.record("\(reply.outcome)")
            return
        }
        #expect(sequence == 3)
        partition.chained { $0.successorAcknowledged(2, epoch: 1) }
        #expect(driver.used.load(ordering: .relaxed) == 0)
        let again = await partition.push(try Example.push(sequence)).reply
        #expect(again.outcome == .applied && !again.isReplay)
    }

    @Test("a gradient of an epoch that the head has not heard of is to come again, and is not of a roll-back")
    func laterEpoch() async throws {
        let (partition, _) = try Self.head()
        let push = try Example.push(1, basis: PartitionVersion(epoch: 2, applied: 0))
        guard case .refused(.notRegistered, _) = await partition.push(push).reply.outcome else {
            Issue.record("it was decided upon")
            return
        }
        partition.take(try Self.place(["a"], epoch: 2), intactSince: 1)
        #expect(await partition.push(push).reply.outcome == .applied)
    }
}
