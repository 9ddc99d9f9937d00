import Coordination
import MeshWire
import MeshworkTesting
import Tensor
import Testing

@testable import ParameterServer

@Suite struct ManyTablesTests {
    @Test("more tables than any message has room for are declared, pulled, pushed to and accounted for")
    func manyTables() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            var limits = WireLimits()
            limits.messageHeadBytes = 8_192
            let cluster = try await TestCluster.start(runtime, servers: 1, limits: limits)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            let tables = try (0..<150).map { try Example.table("layer/\($0)") }
            try await client.declare(tables)
            #expect(try await client.pull().names == tables.map(\.name))
            let ones = try NamedTensors(tables.map { ($0.name, try .full($0.shape, Float(1))) })
            let report = try await client.push(ones)
            #expect(report.acknowledged.count == 150 && report.failed.isEmpty)
            let after = try await client.pull()
            for name in after.names {
                #expect(try Example.bits(after.tensor(named: name)) == Array(repeating: Float(-1).bitPattern, count: 4))
            }
            // A table too many tells all others in the coordinator's map, and none of them anew.
            try await client.declare(tables + [Example.table("late")])

            let accounts = try await cluster.reader().accounts()
            #expect(accounts.map(\.version.applied) == Array(repeating: 1, count: 150) + [0])
            let reader = try cluster.reader()
            #expect(try await reader.pull().names.count == 151)

            // Of what the session before has applied a message has room for a part.
            let next = try await cluster.client(cluster.mesh("/worker/0")).session
            let told = try #require(next.predecessor).applied
            #expect(told.count > 10 && told.allSatisfy { $0.sequences == SequenceSet(through: 1) })
            #expect(told.count + next.unconfirmed.count == 151)
            #expect(Set(told.map(\.partition)).isDisjoint(with: next.unconfirmed))
        }
    }
}
