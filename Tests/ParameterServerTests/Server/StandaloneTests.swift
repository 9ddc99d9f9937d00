import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// A parameter server that needs no other process.
@Suite struct StandaloneTests {
    private static let step = NamedTensors.ones

    @Test(
        "the same clients work with one process: under lost and doubled messages every push is applied once",
        arguments: [1, 2, 3] as [UInt64])
    func exactlyOnce(seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            try await cluster.startStandalone()
            let notes = PushNotebook()
            try await withThrowingTaskGroup { group in
                for worker in 0..<3 {
                    group.addTask {
                        let faults = SeededFaults(
                            seed: seed &* 8 &+ UInt64(worker), replyLoss: 0.1, requestLoss: 0.1,
                            requestDuplication: 0.2, isAffected: { $0 == ParameterService.push.path })
                        let client = try await cluster.client(
                            cluster.mesh("/worker/\(worker)", faults: faults), slot: worker, observer: notes.observer)
                        try await client.declare([Example.table(shape: [8], partitions: 2)])
                        for _ in 0..<10 {
                            _ = try await client.pull()
                            #expect(try await client.push(Self.step).failed.isEmpty)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let reader = try cluster.reader()
            let (sent, acknowledged) = notes.all
            let audit = PushAudit(accounts: try await reader.accounts(), sent: sent, acknowledged: acknowledged)
            #expect(audit.discrepancies == [], "seed \(seed)")
            #expect((audit.applied, audit.sent) == (60, 60), "seed \(seed)")
            #expect(audit.duplicatesSuppressed > 0, "seed \(seed)")
            #expect(try await Set(reader.pull().tensor(named: "weight").scalars(as: Float.self)) == [-30])
        }
    }

    @Test("a session that is taken over is fenced, and its successor is told what had been applied")
    func takeover() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            try await cluster.startStandalone()
            let mesh = try cluster.mesh("/worker/0")
            let first = try await cluster.client(mesh)
            try await first.declare([Example.table(shape: [8], partitions: 2)])
            _ = try await first.push(Self.step)
            _ = try await first.push(Self.step)
            let second = try await cluster.client(mesh)
            #expect(second.session.id > first.session.id)
            #expect(second.session.predecessor?.session == first.session.id)
            #expect(
                second.session.predecessor?.applied == [
                    AppliedPushes(partition: PartitionID(rawValue: 1), sequences: SequenceSet(through: 2)),
                    AppliedPushes(partition: PartitionID(rawValue: 2), sequences: SequenceSet(through: 2)),
                ])
            #expect(second.session.unconfirmed == [])
            let late = try await first.push(Self.step)
            #expect(late.failed.map(\.error.code) == [.sessionFenced, .sessionFenced])
            #expect(try await cluster.applied() == [2, 2])
        }
    }

    @Test("sessions end with their leases while the coordinator runs, and no push of theirs is applied then")
    func leases() async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0) { $0.lease = .seconds(4) }
            try await cluster.startStandalone()
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([Example.table(shape: [8], partitions: 2)])
            _ = try await client.pull()
            try await withThrowingTaskGroup { group in
                group.addTask { try await cluster.coordinator.run() }
                try await runtime.sleep(for: .seconds(6))
                let report = try await client.push(Self.step)
                #expect(report.failed.map(\.error.code) == [.sessionExpired, .sessionExpired])
                group.cancelAll()
            }
            #expect(try await cluster.applied() == [0, 0])
        }
    }

    @Test("no table is placed before the server has registered")
    func tooEarly() async throws {
        try await SimulatedRuntime.run(seed: 6) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            let error = await parameterServerError { try await client.declare([Example.table()]) }
            #expect((error?.cause as? CoordinationError)?.code == .tooFewServers)
            try await cluster.startStandalone()
            try await client.declare([Example.table()])
            #expect(cluster.coordinator.map.servers.map(\.name) == ["server"])
        }
    }
}

extension NamedTensors {
    /// A gradient of ones for the table of these tests.
    fileprivate static var ones: NamedTensors {
        guard let ones = try? NamedTensors([("weight", .full([8], Float(1)))]) else {
            preconditionFailure("eight ones are a tensor")
        }
        return ones
    }
}
