import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

/// What servers and the coordinator make of a table policy.
@Suite struct TablePolicyTests {
    private static let reader = "spiffe://test.example/reader"
    private static let worker = "spiffe://test.example/worker/0"

    private static func policy() throws -> TablePolicy {
        try TablePolicy(rules: [
            .init("workers train", tables: ["open", "large"], verbs: [.pull, .push], identities: [worker]),
            .init("workers create", tables: ["*"], verbs: [.declare], identities: [worker]),
            .init("readers pull", tables: ["open"], verbs: [.pull], identities: [reader]),
            .init("auditors audit", tables: ["*"], verbs: [.audit], identities: ["spiffe://test.example/auditor"]),
        ])
    }

    /// `large` is applied on the compute pool, the others on the event loop.
    private static func tables() throws -> [TableDeclaration] {
        [
            try Example.table("open"), try Example.table("closed"),
            try Example.table("large", shape: [40_000]),
        ]
    }

    private static func gradients() throws -> NamedTensors {
        try NamedTensors([
            ("open", .full([4], Float(1))), ("closed", .full([4], Float(1))), ("large", .full([40_000], Float(1))),
        ])
    }

    private static func simulate(
        _ body: @escaping @Sendable @concurrent (TestCluster) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 7) { runtime in
            let policy = try policy()
            let cluster = try await TestCluster.start(runtime, servers: 0) { $0.tablePolicy = policy }
            var configuration = ParameterServerConfiguration()
            configuration.tablePolicy = policy
            _ = try await cluster.startServer(0, configuration: configuration)
            try await body(cluster)
        }
    }

    private static func count(_ cluster: TestCluster, _ verb: String) -> UInt64 {
        cluster.metrics.counter("table_denials_total", help: "", labels: "verb").series(verb).value
    }

    @Test("who may only pull cannot push: notAllowed names identity, verb and table, and every bit stays")
    func pullOnly() async throws {
        try await Self.simulate { cluster in
            let worker = try await cluster.client(cluster.mesh("/worker/0"), slot: 0)
            try await worker.declare(Self.tables())
            // It declares what is there already, as everybody does, and is not refused that.
            let reader = try await cluster.client(cluster.mesh("/reader"), slot: 1)
            try await reader.declare([Example.table("open")])
            #expect(try await Set(reader.pull().tensor(named: "open").scalars(as: Float.self)) == [0])
            let report = try await reader.push(NamedTensors([("open", .full([4], Float(1)))]))
            #expect(report.acknowledged.isEmpty)
            let error = try #require(report.failed.first?.error)
            #expect(error.code == .notAllowed)
            #expect(error.message.hasPrefix("\(Self.reader) may not push table open"), "\(error)")
            #expect(try await cluster.applied() == [0, 0, 0])
            #expect(try await Set(reader.pull().tensor(named: "open").scalars(as: Float.self)) == [0])
            #expect(Self.count(cluster, "push") == 1)
            #expect(
                cluster.metrics.counter("parameter_refusals_total", help: "", labels: "code").series("notAllowed").value
                    == 1)
            let refusals = cluster.log.all("push refused").map { $0.metadata["peer"] }
            #expect(refusals == [Self.reader])
        }
    }

    @Test("of one step the tables that may be pushed to are, and the others are not, small and large")
    func eachTable() async throws {
        try await Self.simulate { cluster in
            let worker = try await cluster.client(cluster.mesh("/worker/0"))
            try await worker.declare(Self.tables())
            for round in 1...2 {
                let report = try await worker.push(Self.gradients())
                #expect(report.acknowledged.map(\.push.name.table).sorted() == ["large", "open"])
                #expect(report.failed.map(\.error.code) == [.notAllowed])
                #expect(report.failed.first?.error.message.contains("table closed") == true)
                #expect(try await cluster.applied() == [UInt64(round), 0, UInt64(round)])
            }
        }
    }

    @Test("who may not pull is refused by a server that has the partition and by one that has yet to make it")
    func noPull() async throws {
        try await Self.simulate { cluster in
            let worker = try await cluster.client(cluster.mesh("/worker/0"))
            try await worker.declare(Self.tables())
            let stranger = try ParameterReader(try cluster.coordination(try cluster.mesh("/stranger")))
            for _ in 0..<2 {
                let error = await parameterServerError { _ = try await stranger.pull(["open"]) }
                #expect(error?.code == .notAllowed)
                #expect(
                    error?.message.hasPrefix("spiffe://test.example/stranger may not pull table open") == true,
                    "\(String(describing: error))")
                #expect(error?.peer == "spiffe://test.example/server/0")
                _ = try await ParameterReader(try cluster.coordination(try cluster.mesh("/reader"))).pull(["open"])
            }
            #expect(Self.count(cluster, "pull") == 2)
            #expect(cluster.log.all("call refused").map { $0.metadata["verb"] } == ["pull", "pull"])
        }
    }

    @Test("an audit is refused to who may not see every table of the server")
    func noAudit() async throws {
        try await Self.simulate { cluster in
            let worker = try await cluster.client(cluster.mesh("/worker/0"))
            try await worker.declare(Self.tables())
            _ = try await worker.push(Self.gradients())
            let reader = try ParameterReader(try cluster.coordination(try cluster.mesh("/reader")))
            let error = await parameterServerError { _ = try await reader.accounts() }
            #expect(error?.code == .notAllowed)
            #expect(error?.message.hasPrefix("\(Self.reader) may not audit table open") == true)
            #expect(Self.count(cluster, "audit") == 1)
            #expect(try await cluster.reader().accounts().count == 3)
        }
    }

    @Test("who may not declare creates nothing, not even the tables that are declared beside one that exists")
    func noDeclaration() async throws {
        try await Self.simulate { cluster in
            let worker = try await cluster.client(cluster.mesh("/worker/0"), slot: 0)
            try await worker.declare([Example.table("open")])
            let reader = try await cluster.client(cluster.mesh("/reader"), slot: 1)
            let error = await parameterServerError {
                try await reader.declare([Example.table("open"), Example.table("new")])
            }
            #expect(error?.code == .coordination)
            #expect((error?.cause as? CoordinationError)?.code == .notAllowed)
            #expect(error?.message.hasPrefix("\(Self.reader) may not declare table new") == true)
            #expect(cluster.coordinator.map.tables.map(\.name) == ["open"])
        }
    }
}
