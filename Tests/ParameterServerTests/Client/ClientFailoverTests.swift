import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

/// What a client does when servers end, stop and start anew, each process on a host of its own.
@Suite(.timeLimit(.minutes(5))) struct ClientFailoverTests {
    private struct Job: Sendable {
        let runtime: SimulatedRuntime
        let cluster: TestCluster
        let client: ParameterClient
        /// The client's.
        let mesh: Mesh
        /// What left, push by push.
        let sent: Departures

        /// The host of the server that heads the first partition.
        var head: SimulatedHost {
            let name = cluster.coordinator.map.tables[0].partitions[0].head
            return runtime.host("/server/\(name.dropFirst("server-".count))")
        }

        func push() async throws -> PushReport {
            try await client.push(NamedTensors([("weight", .full([8], Float(1)))]))
        }

        /// Runs `body` on the worker's host and returns how long it took.
        func timed(_ body: @escaping @Sendable @concurrent (Job) async throws -> Void) async throws -> Duration {
            let start = runtime.now
            try await runtime.host("/worker/0").run { try await body(self) }
            return start.duration(to: runtime.now)
        }
    }

    /// Remembers which pushes left; guarded by a mutex.
    private final class Departures: Sendable {
        private let state = Mutex<[PushIdentity]>([])
        var all: [PushIdentity] { state.withLock { $0 } }
        var observer: PushObserver {
            PushObserver(beforeFirstAttempt: { pushes in self.state.withLock { $0 += pushes } })
        }
    }

    /// A table of four partitions, on servers whose attempts never end by themselves: what goes on goes on by the map.
    private static func simulate(
        seed: UInt64, servers: Int = 3, replicas: Int = 1, attemptTimeout: Duration = .seconds(300),
        _ body: @escaping @Sendable @concurrent (Job) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(
                runtime, servers: servers, attemptTimeout: attemptTimeout, attempts: 3,
                adjust: { $0.lease = .seconds(300) }, on: { runtime.host($0) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runtime.host("/coordinator").run { try await cluster.coordinator.run() } }
                let sent = Departures()
                let mesh = try cluster.mesh("/worker/0")
                let client = try await runtime.host("/worker/0").run {
                    let client = try await cluster.client(mesh, observer: sent.observer)
                    try await client.declare([
                        try TableDeclaration(
                            name: "weight", shape: [8], initializer: .zeros, key: RandomKey(seed: 5),
                            updateRule: .sgd(learningRate: 1), partitioning: .count(4), replicas: replicas)
                    ])
                    _ = try await client.pull()
                    return client
                }
                let job = Job(runtime: runtime, cluster: cluster, client: client, mesh: mesh, sent: sent)
                try await body(job)
                client.close()
                group.cancelAll()
                try? await group.waitForAll()
            }
        }
    }

    @Test(
        "a push under way to a server that stops goes to the follower, under its number, when the map says so",
        arguments: 1...6 as ClosedRange<UInt64>)
    func stopped(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job in
            _ = try await job.timed { job in
                let report = try await job.push()
                #expect(report.failed.isEmpty)
            }
            try await job.runtime.sleep(for: .milliseconds(Int64(seed * 71)))
            job.head.pause()
            let time = try await job.timed { job in
                let report = try await job.push()
                #expect(report.failed.isEmpty, "seed \(seed): \(report.failed.map(\.error))")
                #expect(report.acknowledged.count == 4)
                #expect(report.acknowledged.allSatisfy { $0.push.sequence == 2 }, "seed \(seed)")
                // Those of the stopped server, and with chains of its follower, are of the next epoch.
                #expect(report.acknowledged.contains { $0.version.epoch >= 2 }, "seed \(seed)")
            }
            #expect(time > .seconds(1) && time < .milliseconds(2_100), "seed \(seed): \(time)")
            #expect(job.sent.all.count == 8, "seed \(seed): a push was numbered twice")
            #expect(job.cluster.coordinator.map.lost.count == 1, "seed \(seed)")
        }
    }

    @Test("a pull under way does too", arguments: 1...3 as ClosedRange<UInt64>)
    func pulls(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job in
            job.head.pause()
            let time = try await job.timed { job in
                let names = try await job.client.pull().names
                #expect(names == ["weight"])
            }
            #expect(time < .milliseconds(2_100), "seed \(seed): \(time)")
        }
    }

    @Test(
        "pushes to a server that was killed flow again within 0.5 s, as who finds it gone reports that",
        arguments: 1...6 as ClosedRange<UInt64>)
    func killed(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { job in
            try await job.runtime.sleep(for: .milliseconds(Int64(seed * 71)))
            async let first: Duration = job.timed { job in
                while true {
                    let report = try await job.push()
                    #expect(report.failed.isEmpty, "seed \(seed): \(report.failed.map(\.error))")
                    if report.acknowledged.contains(where: { $0.version.epoch > 1 }) { return }
                }
            }
            try await job.runtime.sleep(for: .milliseconds(20))
            job.head.kill()
            let time = try await first
            #expect(time < .milliseconds(520), "seed \(seed): \(time), the lease is 1.5 s")
        }
    }

    @Test("while the coordinator is stopped training goes on and nobody takes over; then pushes flow again")
    func coordinatorAway() async throws {
        try await Self.simulate(seed: 8) { job in
            let coordinator = job.runtime.host("/coordinator")
            coordinator.pause()
            try await job.runtime.sleep(for: .seconds(5))
            _ = try await job.timed { job in
                let report = try await job.push()
                #expect(report.failed.isEmpty)
                #expect(report.acknowledged.allSatisfy { $0.version.epoch == 1 })
            }
            job.head.kill()
            async let time: Duration = job.timed { job in
                let report = try await job.push()
                #expect(report.failed.isEmpty, "\(report.failed.map(\.error))")
                #expect(report.acknowledged.contains { $0.version.epoch > 1 })
            }
            try await job.runtime.sleep(for: .seconds(4))
            #expect(job.cluster.coordinator.map.lost.isEmpty)
            coordinator.resume()
            let waited = try await time
            #expect(waited >= .seconds(4) && waited < .seconds(6), "\(waited)")
        }
    }

    @Test("a client keeps no connection to a server's past lives")
    func pastLives() async throws {
        try await Self.simulate(seed: 10, servers: 1, replicas: 0, attemptTimeout: .milliseconds(100)) { job in
            let mesh = job.mesh
            for life in 1...4 {
                _ = try await job.timed { job in
                    _ = try await job.client.pull()
                    _ = try await job.push()
                    _ = try await job.client.pull()
                    let report = try await job.push()
                    #expect(report.failed.isEmpty, "life \(life)")
                }
                // The coordinator, and the server's present life.
                #expect(mesh.connections.count == 2, "life \(life): \(mesh.connections)")
                _ = job.runtime.host("/server/0").restart()
                _ = try await job.cluster.startServer(0)
            }
        }
    }

    @Test("without a follower the error says who is gone, which part it had, and in which epoch")
    func nobodyLeft() async throws {
        try await Self.simulate(seed: 2, servers: 1, replicas: 0) { job in
            job.runtime.host("/server/0").kill()
            let host = job.runtime.host("/worker/0")
            var configuration = ParameterClientConfiguration()
            configuration.timeout = .seconds(4)
            let limited = configuration
            try await host.run {
                let client = try await job.cluster.client(
                    job.cluster.mesh("/worker/1"), slot: 1, configuration: limited)
                try await client.declare([
                    try TableDeclaration(
                        name: "weight", shape: [8], initializer: .zeros, key: RandomKey(seed: 5),
                        updateRule: .sgd(learningRate: 1), partitioning: .count(4))
                ])
                let start = host.now
                let report = try await client.push(NamedTensors([("weight", .full([8], Float(1)))]))
                #expect(start.duration(to: host.now) <= .seconds(4))
                #expect(Set(report.failed.map(\.error.code)) == [.peerLost], "\(report.failed.map(\.error))")
                #expect(
                    report.failed[0].error.message.hasPrefix(
                        "server server-0, head of partition weight#0 in epoch 1 and 3 more: "),
                    "\(report.failed[0].error)")
                client.close()
            }
        }
    }

    @Test("a roll-back is reported once, with the numbers of the acknowledged pushes that are lost")
    func rollBack() async throws {
        try await Self.simulate(seed: 4, servers: 1, replicas: 0, attemptTimeout: .milliseconds(100)) { job in
            _ = try await job.timed { job in
                for _ in 0..<3 {
                    let report = try await job.push()
                    #expect(report.failed.isEmpty)
                }
            }
            // It comes back without what it held.
            _ = job.runtime.host("/server/0").restart()
            let address = try await job.cluster.startServer(0)
            #expect(address.port > 0)
            _ = try await job.timed { job in
                // Whether it has pulled since or not, it has not been told.
                _ = try await job.client.pull()
                let report = try await job.push()
                #expect(Set(report.failed.map(\.error.code)) == [.rolledBack], "\(report.failed.map(\.error))")
                #expect(report.rolledBack.count == 4)
                #expect(report.rolledBack.allSatisfy { $0.lost == SequenceSet(through: 3) && $0.epoch == 2 })
                #expect(report.rolledBack.map(\.name.index).sorted() == [0, 1, 2, 3])
                _ = try await job.client.pull()
                let next = try await job.push()
                #expect(next.failed.isEmpty && next.rolledBack.isEmpty, "\(next.failed.map(\.error))")
                #expect(next.acknowledged.allSatisfy { $0.push.sequence == 5 })
            }
        }
    }

    @Test("of what was acknowledged, what a partition does not name is lost, and told once")
    func acknowledgedPushes() {
        var pushes = AcknowledgedPushes()
        func push(_ sequence: UInt64) -> PushIdentity {
            PushIdentity(
                session: Example.session(1), partition: PartitionID(rawValue: 7), name: .init(table: "w", index: 0),
                sequence: sequence)
        }
        for sequence in [1, 2, 3, 5] as [UInt64] { pushes.insert(push(sequence), epoch: 2) }
        let first = pushes.rolledBack(push(6), to: SequenceSet(through: 2), epoch: 4)
        #expect(first.lost.runs == [3...3, 5...5])
        #expect(first.epoch == 4)
        let again = pushes.rolledBack(push(7), to: SequenceSet(through: 2), epoch: 4)
        #expect(again.lost.isEmpty)
    }

    @Test("gradients are of the epoch of the last acknowledged push while it may be lost")
    func basis() {
        let id = PartitionID(rawValue: 7)
        var pushes = AcknowledgedPushes()
        let pulled = PartitionVersion(epoch: 3, applied: 9)
        func map(_ epoch: UInt64, intactSince: UInt64) -> PartitionMap {
            PartitionMap(
                version: 1,
                tables: [
                    .init(
                        name: "w", declaration: [],
                        partitions: [.init(id: id, head: "a", epoch: epoch, intactSince: intactSince, byteCount: 4)])
                ])
        }
        #expect(pushes.basis(pulled, of: id, PartitionMap()) == pulled)
        pushes.insert(
            PushIdentity(session: Example.session(1), partition: id, name: .init(table: "w", index: 0), sequence: 1),
            epoch: 2)
        let old = PartitionVersion(epoch: 2, applied: 9)
        #expect(pushes.basis(pulled, of: id, map(3, intactSince: 1)) == pulled)
        #expect(pushes.basis(pulled, of: id, map(3, intactSince: 2)) == pulled)
        #expect(pushes.basis(pulled, of: id, map(3, intactSince: 3)) == old)
        // The map is of an earlier epoch: nobody knows.
        #expect(pushes.basis(pulled, of: id, map(2, intactSince: 1)) == old)
    }
}
