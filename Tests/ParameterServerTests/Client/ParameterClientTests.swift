import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

@Suite struct ParameterClientTests {
    /// Remembers which pushes left; guarded by a mutex.
    private final class Departures: Sendable {
        private let state = Mutex<[PushIdentity]>([])
        var all: [PushIdentity] { state.withLock { $0 } }
        var observer: PushObserver {
            PushObserver(beforeFirstAttempt: { pushes in self.state.withLock { $0 += pushes } })
        }
    }

    private static func tables() throws -> [TableDeclaration] {
        [
            try Example.table("weight", shape: [4, 3], initializer: .uniform(low: -1, high: 1), partitions: 3),
            try Example.table("bias", shape: [3]),
        ]
    }

    private static func gradients(_ value: Float = 1) throws -> NamedTensors {
        try NamedTensors([("weight", .full([4, 3], value)), ("bias", .full([3], value))])
    }

    private static func simulate(
        _ body: @escaping @Sendable @concurrent (TestCluster) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            try await body(try await TestCluster.start(runtime))
        }
    }

    @Test("the first pull has the declared first values, whichever servers made them")
    func firstPull() async throws {
        try await Self.simulate { cluster in
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            let pulled = try await client.pull()
            #expect(pulled.names == ["weight", "bias"])
            let whole = try Self.tables()[0].initializer.values(key: RandomKey(seed: 5), shape: [4, 3])
            #expect(try Example.bits(pulled.tensor(named: "weight")) == Example.bits(whole))
            #expect(Set(cluster.coordinator.map.tables.flatMap(\.partitions).map(\.head)).count == 2)
        }
    }

    @Test("a step changes every table once, and the next pull sees it")
    func pushThenPull() async throws {
        try await Self.simulate { cluster in
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            let before = try await client.pull()
            let report = try await client.push(Self.gradients())
            #expect(report.failed.isEmpty)
            #expect(report.acknowledged.count == 4)
            #expect(report.acknowledged.allSatisfy { $0.durability == .memory && $0.version.applied == 1 })
            let after = try await client.pull()
            for (name, tensor) in after {
                let expected = try before.tensor(named: name).scalars(as: Float.self).map { $0 - 1 }
                #expect(try tensor.scalars(as: Float.self) == expected)
            }
        }
    }

    @Test("a gradient that is unknown, missing, or of another shape or type stops the step before anything leaves")
    func checksGradients() async throws {
        try await Self.simulate { cluster in
            let departures = Departures()
            let client = try await cluster.client(cluster.mesh("/worker/0"), observer: departures.observer)
            try await client.declare(Self.tables())
            func code(_ change: (inout NamedTensors) throws -> Void) async throws -> (
                ParameterServerError.Code?, String
            ) {
                var gradients = try Self.gradients()
                try change(&gradients)
                let wrong = gradients
                let error = await #expect(throws: ParameterServerError.self) { try await client.push(wrong) }
                return (error?.code, error?.message ?? "")
            }
            #expect(try await code { $0["surplus"] = try .zeros([1]) }.0 == .unknownParameter)
            #expect(try await code { $0["bias"] = nil }.0 == .unknownParameter)
            let shape = try await code { $0["weight"] = try .zeros([3, 4]) }
            #expect(shape.0 == .shapeMismatch && shape.1.contains("weight"))
            #expect(try await code { $0["bias"] = try .zeros([3], dtype: .int32) }.0 == .dtypeMismatch)
            let rows = try await code {
                $0[gradient: "weight"] = .rowSparse(
                    try RowSparse(indices: .zeros([1], dtype: .int64), values: .ones([1, 3]), rowCount: 4))
            }
            #expect(rows.0 == .shapeMismatch && rows.1.contains("weight is row-sparse") && rows.1.contains("toDense()"))
            #expect(departures.all.isEmpty)
        }
    }

    @Test("of a step that is not finite nothing leaves, and the error names the parameter")
    func checksBeforeSend() async throws {
        try await Self.simulate { cluster in
            let departures = Departures()
            let client = try await cluster.client(cluster.mesh("/worker/0"), observer: departures.observer)
            try await client.declare(Self.tables())
            var gradients = try Self.gradients()
            gradients["bias"] = try AnyTensor([0, .nan, 0] as [Float], shape: [3])
            let poisoned = gradients
            let error = await #expect(throws: ParameterServerError.self) { try await client.push(poisoned) }
            #expect(error?.code == .nonFinite)
            #expect(error?.message.contains("element 1 of the gradient of bias") == true)
            #expect(departures.all.isEmpty)
            let applied = try await cluster.applied()
            #expect(applied.filter { $0 > 0 }.isEmpty)
        }
    }

    @Test("a configuration names all its problems at once")
    func validatesConfiguration() {
        var configuration = ParameterClientConfiguration()
        configuration.timeout = .zero
        configuration.callBytes = 0
        let error = #expect(throws: ParameterServerError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in ["timeout", "callBytes"] { #expect(error?.message.contains(name) == true, "\(name)") }
    }

    @Test("without that check the partition that the NaN is in rejects it, bit-equal, and the others apply their share")
    func partlyApplied() async throws {
        try await Self.simulate { cluster in
            var configuration = ParameterClientConfiguration()
            configuration.checksBeforeSend = false
            let client = try await cluster.client(cluster.mesh("/worker/0"), configuration: configuration)
            try await client.declare(Self.tables())
            let before = try await client.pull()
            var gradients = try Self.gradients()
            var weight = Array(repeating: Float(1), count: 12)
            weight[5] = .nan
            gradients["weight"] = try AnyTensor(weight, shape: [4, 3])
            let report = try await client.push(gradients)
            #expect(report.failed.map(\.push.name.description) == ["weight#1"])
            #expect(report.failed.map(\.error.code) == [.nonFinite])
            #expect(report.acknowledged.count == 3)
            let after = try await client.pull()
            let (old, new) = (
                try Example.bits(before.tensor(named: "weight")), try Example.bits(after.tensor(named: "weight"))
            )
            #expect(zip(old, new).map { $0 == $1 } == (0..<12).map { (4..<8).contains($0) })
        }
    }

    @Test("every worker declares; who declares another table of the same name is told what conflicts")
    func declarations() async throws {
        try await Self.simulate { cluster in
            let first = try await cluster.client(cluster.mesh("/worker/0"))
            let second = try await cluster.client(cluster.mesh("/worker/1"), slot: 1)
            try await first.declare(Self.tables())
            let map = cluster.coordinator.map
            try await second.declare(Self.tables())
            #expect(cluster.coordinator.map == map)
            let error = await #expect(throws: ParameterServerError.self) {
                try await second.declare([try Example.table("bias", shape: [3], rule: .adam())])
            }
            #expect(error?.code == .coordination)
            #expect((error?.cause as? CoordinationError)?.code == .conflictingDeclaration)
            #expect(error?.peer == "spiffe://test.example/coordinator")
            #expect(cluster.coordinator.map == map)
        }
    }

    @Test("a client that has declared nothing can neither pull nor push")
    func undeclared() async throws {
        try await Self.simulate { cluster in
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            let pull = await #expect(throws: ParameterServerError.self) { try await client.pull() }
            let push = await #expect(throws: ParameterServerError.self) { try await client.push(Self.gradients()) }
            #expect([pull?.code, push?.code] == [.unknownParameter, .unknownParameter])
        }
    }

    @Test("taking a slot over fences its session and says what that had applied")
    func takeover() async throws {
        try await Self.simulate { cluster in
            let old = try await cluster.client(cluster.mesh("/worker/0"))
            try await old.declare(Self.tables())
            for _ in 0..<3 { _ = try await old.push(Self.gradients()) }
            let new = try await cluster.client(cluster.mesh("/worker/0"))
            #expect(new.session.id > old.session.id)
            #expect(new.session.predecessor?.session == old.session.id)
            #expect(new.session.predecessor?.applied.map(\.sequences.runs) == Array(repeating: [1...3], count: 4))
            #expect(new.session.unconfirmed.isEmpty)
            let late = try await old.push(Self.gradients())
            #expect(Set(late.failed.map(\.error.code)) == [.sessionFenced])
            let logged = cluster.log.all("push refused")
            #expect(
                logged.compactMap { $0.metadata["partition"] }.sorted()
                    == late.failed.map(\.push.name.description).sorted())
            #expect(Set(logged.map { $0.metadata["code"] }) == ["sessionFenced"])
            #expect(Set(logged.map { $0.metadata["peer"] }) == ["spiffe://test.example/worker/0"])
            try await new.declare(Self.tables())
            #expect(try await new.push(Self.gradients()).failed.isEmpty)
            #expect(try await cluster.applied() == [4, 4, 4, 4])
        }
    }

    @Test("a server that cannot be reached is named when a session opens")
    func unreachableServer() async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            let cluster = try await TestCluster.start(runtime) { $0.fenceTimeout = .milliseconds(500) }
            let old = try await cluster.client(cluster.mesh("/worker/0"))
            try await old.declare(Self.tables())
            _ = try await old.pull()
            let server = cluster.coordinator.map.servers[0]
            runtime.kill(host: server.host, port: server.port)
            let new = try await cluster.client(cluster.mesh("/worker/0"))
            #expect(new.session.unconfirmed == cluster.coordinator.map.partitions(headedBy: server.name))
            #expect(!new.session.unconfirmed.isEmpty)
        }
    }

    @Test(
        "a server that was not told of a session learns of it from its first push, and then takes none of the old one")
    func learnsFromFirstPush() async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            let faults = SeededFaults(seed: 5, requestLoss: 1, isAffected: { $0 == "meshwork.SessionFencing/Fence" })
            let cluster = try await TestCluster.start(runtime, coordinatorFaults: faults) {
                $0.fenceTimeout = .milliseconds(500)
            }
            let old = try await cluster.client(cluster.mesh("/worker/0"))
            try await old.declare(Self.tables())
            #expect(try await old.push(Self.gradients()).failed.isEmpty)
            let new = try await cluster.client(cluster.mesh("/worker/0"))
            #expect(new.session.unconfirmed.count == 4)
            #expect(faults.counts.requestsLost > 0)
            // Nobody has told the servers yet that the old session made way.
            #expect(try await old.push(Self.gradients()).failed.isEmpty)
            try await new.declare(Self.tables())
            #expect(try await new.push(Self.gradients()).failed.isEmpty)
            let late = try await old.push(Self.gradients())
            #expect(late.failed.map(\.error.code) == Array(repeating: .sessionFenced, count: 4))
            #expect(try await cluster.applied() == [3, 3, 3, 3])
        }
    }

    @Test("a session whose lease ran out pushes nothing any more")
    func expiredLease() async throws {
        try await Self.simulate { cluster in
            try await withThrowingTaskGroup { group in
                group.addTask { try await cluster.coordinator.run() }
                let client = try await cluster.client(cluster.mesh("/worker/0"))
                try await client.declare(Self.tables())
                _ = try await client.push(Self.gradients())
                try await cluster.runtime.sleep(for: .seconds(7))
                let late = try await client.push(Self.gradients())
                #expect(Set(late.failed.map(\.error.code)) == [.sessionExpired])
                #expect(try await cluster.applied() == [1, 1, 1, 1])
                group.cancelAll()
            }
        }
    }

    @Test("a session that is kept alive outlives its lease, and ends with its body")
    func keptAlive() async throws {
        try await Self.simulate { cluster in
            try await withThrowingTaskGroup { group in
                group.addTask { try await cluster.coordinator.run() }
                let coordination = try cluster.coordination(cluster.mesh("/worker/0"))
                let client = try await coordination.withSession(slot: 0) { session in
                    let client = try ParameterClient(session, coordination)
                    try await client.declare(Self.tables())
                    try await cluster.runtime.sleep(for: .seconds(20))
                    #expect(try await client.push(Self.gradients()).failed.isEmpty)
                    return client
                }
                let late = try await client.push(Self.gradients())
                #expect(Set(late.failed.map(\.error.code)) == [.sessionExpired])
                group.cancelAll()
            }
        }
    }

    @Test("a step whose note cannot be taken does not leave")
    func noteFails() async throws {
        struct NoLauncher: Error {}
        try await Self.simulate { cluster in
            let client = try await cluster.client(
                cluster.mesh("/worker/0"), observer: PushObserver(beforeFirstAttempt: { _ in throw NoLauncher() }))
            try await client.declare(Self.tables())
            await #expect(throws: NoLauncher.self) { try await client.push(Self.gradients()) }
            let applied = try await cluster.applied()
            #expect(applied.filter { $0 > 0 }.isEmpty)
        }
    }

    @Test("a push and a pull whose server is away go on looking for it, and give up when their time is over")
    func serverIsAway() async throws {
        try await SimulatedRuntime.run(seed: 5) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 2)
            var configuration = ParameterClientConfiguration()
            configuration.timeout = .seconds(8)
            let client = try await cluster.client(cluster.mesh("/worker/0"), configuration: configuration)
            try await client.declare(Self.tables())
            _ = try await client.pull()
            let away = cluster.coordinator.map.servers[0]
            runtime.kill(host: away.host, port: away.port)
            let start = runtime.now
            let report = try await client.push(Self.gradients())
            #expect(Set(report.failed.map(\.error.code)) == [.peerLost])
            let failure = try #require(report.failed.first)
            #expect(
                failure.error.message.hasPrefix("server server-0, head of partition ")
                    && failure.error.message.contains(" in epoch 1"), "\(failure.error)")
            // What the other server heads was applied at the first attempt, and once.
            #expect(report.failed.count + report.acknowledged.count == 4 && !report.acknowledged.isEmpty)
            #expect(report.acknowledged.allSatisfy { !$0.isReplay })
            let error = await #expect(throws: ParameterServerError.self) { try await client.pull() }
            #expect(error?.code == .peerLost)
            let waited = start.duration(to: runtime.now)
            #expect(waited > .seconds(8) && waited < .seconds(16.1))
        }
    }

    @Test("a push under way when its server starts anew elsewhere is answered there; the others are not sent again")
    func serverMoves() async throws {
        try await SimulatedRuntime.run(seed: 6) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 2)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            _ = try await client.pull()
            let away = cluster.coordinator.map.servers[0]
            runtime.kill(host: away.host, port: away.port)
            async let report = client.push(Self.gradients())
            try await runtime.sleep(for: .seconds(5))
            _ = try await cluster.startServer(0)
            let codes = Set(try await report.failed.map(\.error.code))
            #expect(codes == [.rolledBack])
            let kept = try await report.acknowledged
            #expect(!kept.isEmpty && kept.allSatisfy { !$0.isReplay && $0.version.epoch == 1 })
            _ = try await client.pull()
            #expect(try await client.push(Self.gradients()).failed.isEmpty)
        }
    }

    @Test("a server that was restarted has nothing of the old partitions, and says so")
    func restartedServer() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            _ = try await client.pull()
            _ = try await client.push(Self.gradients())
            let old = cluster.coordinator.map.servers[0]
            runtime.kill(host: old.host, port: old.port)
            _ = try await cluster.startServer(0)
            // The push looks for the partitions and finds the new life, where gradients of the old one are refused.
            let stale = try await client.push(Self.gradients())
            #expect(Set(stale.failed.map(\.error.code)) == [.rolledBack])
            #expect(stale.failed.count == 4)
            _ = try await client.pull()
            #expect(try await client.push(Self.gradients()).failed.isEmpty)
        }
    }

    @Test("a server that was restarted where it was takes nothing before it has registered, and then says what it lost")
    func restartedInPlace() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            _ = try await client.pull()
            #expect(try await client.push(Self.gradients()).failed.isEmpty)
            let old = cluster.coordinator.map.servers[0]
            runtime.kill(host: old.host, port: old.port)
            let (server, address) = try await cluster.listeningServer(0, port: old.port)
            // Once the client has seen its connection end, gradients of the old life reach the new one, while the map
            // still has the old one's epochs.
            try await runtime.sleep(for: .seconds(1))
            async let early = client.push(Self.gradients())
            try await runtime.sleep(for: .milliseconds(20))
            #expect(Set(cluster.log.all("push refused").map { $0.metadata["code"] }) == ["notRegistered"])
            try await server.register(at: address)
            #expect(Set(try await early.failed.map(\.error.code)) == [.rolledBack])
            _ = try await client.pull()
            #expect(try await client.push(Self.gradients()).failed.isEmpty)
            let versions = try await cluster.reader().accounts().map(\.version)
            #expect(versions == Array(repeating: PartitionVersion(epoch: 2, applied: 1), count: 4))
        }
    }

    @Test("who asks a server that has not registered, and does not in time, is told so")
    func neverRegisters() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            let old = cluster.coordinator.map.servers[0]
            runtime.kill(host: old.host, port: old.port)
            _ = try await cluster.listeningServer(0, port: old.port)
            let report = try await client.push(Self.gradients())
            #expect(Set(report.failed.map(\.error.code)) == [.notRegistered])
            let error = await #expect(throws: ParameterServerError.self) { try await client.pull() }
            #expect(error?.code == .notRegistered)
            #expect(error?.message == "server server-0 has not registered yet")
        }
    }

    @Test(
        "a server that makes way for a later life of it makes no partition any more, and the client goes to the later one"
    )
    func superseded() async throws {
        try await SimulatedRuntime.run(seed: 4) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(Self.tables())
            let old = cluster.coordinator.map
            // The old one still runs.
            _ = try await cluster.startServer(0)
            // Who has the old map is refused, and asks again.
            let clients = ServerClients(try cluster.mesh("/worker/1"))
            let set = try TableSet(Self.tables(), in: old, callBytes: 1 << 20)
            let error = await #expect(throws: MeshError.self) {
                let request = PullRequest([
                    PullRequest.Entry(
                        partition: set.shares[0].places[0].id, minimum: PartitionVersion(epoch: 1, applied: 0))
                ])
                _ = try await clients.client(of: set.shares[0].server).call(ParameterService.pull, request)
            }
            #expect(error?.message.hasPrefix("notRegistered") == true)
            // The client's map names the new one already.
            let report = try await client.push(Self.gradients())
            #expect(report.failed.isEmpty)
            #expect(report.acknowledged.allSatisfy { $0.version == PartitionVersion(epoch: 2, applied: 1) })
        }
    }
}
