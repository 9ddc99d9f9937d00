import Coordination
import Tensor
import Testing

@testable import ParameterServer

@Suite struct TableSetTests {
    private static func map(_ tables: [TableDeclaration], servers: [String] = ["a", "b"]) throws -> PartitionMap {
        var state = CoordinatorState(CoordinatorConfiguration(), firstOrdinal: 1)
        for name in servers {
            try state.registerServer(
                ServerRecord(name: name, host: "h", port: 1, identity: Example.identity("server/\(name)"), life: 1))
        }
        try state.declare(tables.map(\.request))
        return state.map
    }

    @Test("the calls of a step reach every partition once, each at its server and within the size")
    func calls() throws {
        let tables = [try Example.table("w", shape: [100], partitions: 7), try Example.table("b", shape: [3])]
        let map = try Self.map(tables)
        let set = try TableSet(tables, in: map, callBytes: 120)
        let places = set.shares.flatMap(\.places)
        #expect(Set(places.map(\.id)).count == 8)
        #expect(places.count == 8)
        for share in set.shares {
            #expect(share.places.allSatisfy { map.partitions(headedBy: share.server.name).contains($0.id) })
            #expect(share.places.reduce(0) { $0 + $1.byteCount } <= 120)
        }
        #expect(set.shares.map(\.server.name) == set.shares.map(\.server.name).sorted())
    }

    @Test("a partition that is larger than a call leaves alone")
    func largePartition() throws {
        let tables = [try Example.table("w", shape: [100]), try Example.table("b", shape: [3])]
        let set = try TableSet(tables, in: Self.map(tables, servers: ["a"]), callBytes: 8)
        #expect(set.shares.map { $0.places.map(\.name.description) } == [["w#0"], ["b#0"]])
    }

    @Test("the tables of a map are those that were declared")
    func readsDeclarations() throws {
        let tables = [try Example.table("w", shape: [5, 2], partitions: 2), try Example.table("b", shape: [3])]
        #expect(try TableSet(Self.map(tables), callBytes: 1 << 20).tables == tables)
    }

    @Test("a map that contradicts a declaration, or holds bytes that are none, is an error")
    func contradictions() throws {
        let table = try Example.table("w")
        let other = try Example.table("w", partitions: 2)
        let map = try Self.map([table])
        #expect(throws: ParameterServerError.self) { try TableSet([other], in: map, callBytes: 8) }
        #expect(throws: ParameterServerError.self) { try TableSet([try Example.table("v")], in: map, callBytes: 8) }
        var tables = map.tables
        tables[0].declaration = [1, 2, 3]
        let damaged = PartitionMap(version: 1, servers: map.servers, tables: tables)
        let error = #expect(throws: ParameterServerError.self) { try TableSet(damaged, callBytes: 8) }
        #expect(error?.code == .invalidDeclaration)
        #expect(error?.message.contains("table w") == true)
    }
}
