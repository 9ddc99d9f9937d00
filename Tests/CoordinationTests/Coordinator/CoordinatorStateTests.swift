import Coordination
import Identity
import MeshWire
import Testing

@Suite struct CoordinatorStateTests {
    private static func state(_ adjust: (inout CoordinatorConfiguration) -> Void = { _ in }) -> CoordinatorState {
        var configuration = CoordinatorConfiguration()
        configuration.slots = 2
        adjust(&configuration)
        return CoordinatorState(configuration, firstOrdinal: 1)
    }

    private static func table(_ name: String, _ declaration: [UInt8] = [1], _ sizes: [UInt64] = [100]) -> TableRequest {
        TableRequest(name: name, declaration: declaration, partitionByteCounts: sizes)
    }

    @Test("a declared table's partitions have heads among the servers and numbers that are never given again")
    func declares() throws {
        var state = Self.state()
        try state.registerServer(Example.server("b"))
        try state.registerServer(Example.server("a"))
        try state.declare([Self.table("w", [1], [800, 800]), Self.table("bias", [2], [10])])
        try state.declare([Self.table("late")])
        #expect(state.map.servers.map(\.name) == ["a", "b"])
        #expect(state.map.tables.map(\.name) == ["w", "bias", "late"])
        #expect(state.map.tables[0].partitions.map(\.head) == ["a", "b"])
        #expect(state.map.tables.flatMap(\.partitions).map(\.id.rawValue) == [1, 2, 3, 4])
        #expect(try throughTheWire(state.map) == state.map)
    }

    @Test("placement does not depend on the order in which servers came")
    func placementIgnoresArrival() throws {
        let tables = [Self.table("w", [1], [800, 800, 3]), Self.table("bias", [2], [10, 9])]
        var (one, other) = (Self.state(), Self.state())
        for name in ["a", "b", "c"] { try one.registerServer(Example.server(name)) }
        for name in ["c", "a", "b"] { try other.registerServer(Example.server(name)) }
        try one.declare(tables)
        try other.declare(tables)
        #expect(one.map == other.map)
    }

    @Test("the map has the functions of each life of a server, and no server has more than all maps can take")
    func functions() throws {
        var state = Self.state()
        var server = Example.server("a")
        server.functions = ["clip@1"]
        try state.registerServer(server)
        #expect(try throughTheWire(state.map).server(named: "a")?.functions == ["clip@1"])
        server.life += 1
        server.functions = ["clip@1", "clip@2"]
        try state.registerServer(server)
        #expect(state.map.server(named: "a")?.functions == ["clip@1", "clip@2"])
        var other = Example.server("b")
        other.functions = (0...CoordinatorState.functionLimit).map { "f@\($0)" }
        let map = state.map
        let error = #expect(throws: CoordinationError.self) { try state.registerServer(other) }
        #expect(error?.code == .limitReached && state.map == map)
    }

    @Test("the same declaration again changes nothing; another one of the same name is an error and changes nothing")
    func conflicts() throws {
        var state = Self.state()
        try state.registerServer(Example.server("a"))
        try state.declare([Self.table("w"), Self.table("w")])
        let map = state.map
        try state.declare([Self.table("w")])
        #expect(state.map == map)
        for other in [Self.table("w", [9]), Self.table("w", [1], [50, 50])] {
            let error = #expect(throws: CoordinationError.self) { try state.declare([Self.table("new"), other]) }
            #expect(error?.code == .conflictingDeclaration)
            #expect(error?.message.contains("table w") == true)
            #expect(state.map == map)
        }
    }

    @Test(
        "a declaration that cannot be placed is refused",
        arguments: [
            table(""), table("meshwork.other"), table("w", [1], []), table("w", Array(repeating: 0, count: 9)),
        ])
    func refusesDeclaration(request: TableRequest) throws {
        var state = Self.state { $0.declarationBytes = 8 }
        try state.registerServer(Example.server("a"))
        let error = #expect(throws: CoordinationError.self) { try state.declare([request]) }
        #expect(error?.code == .invalidDeclaration)
        #expect(state.map.tables.isEmpty)
    }

    @Test("nothing is placed before enough servers are there, nor beyond the limit of partitions")
    func placementLimits() throws {
        var state = Self.state {
            $0.serversBeforePlacement = 2
            $0.partitions = 3
        }
        try state.registerServer(Example.server("a"))
        let tooEarly = #expect(throws: CoordinationError.self) { try state.declare([Self.table("w")]) }
        #expect(tooEarly?.code == .tooFewServers)
        try state.registerServer(Example.server("b"))
        try state.declare([Self.table("w", [1], [1, 1])])
        let tooMany = #expect(throws: CoordinationError.self) { try state.declare([Self.table("v", [1], [1, 1])]) }
        #expect(tooMany?.code == .limitReached)
    }

    @Test("the tables of a namespace take no more than they may, whoever declares them, and others are not concerned")
    func namespaces() throws {
        var state = Self.state {
            $0.namespaces = [
                TableNamespace("ads", prefix: "ads/", tables: 3, bytes: 1_000),
                TableNamespace("trial", prefix: "ads/trial/", partitions: 2),
            ]
        }
        try state.registerServer(Example.server("a"))
        try state.registerServer(Example.server("b"))
        func refusal(_ requests: [TableRequest]) -> (CoordinationError.Code, String)? {
            let before = state.map
            do throws(CoordinationError) {
                try state.declare(requests)
                return nil
            } catch {
                #expect(state.map == before)
                return (error.code, error.message)
            }
        }
        func table(_ name: String, _ bytes: [UInt64], replicas: Int = 0) -> TableRequest {
            TableRequest(name: name, declaration: [1], partitionByteCounts: bytes, replicas: replicas)
        }
        let followersCount = refusal([table("ads/w", [300, 300], replicas: 1)])
        #expect(followersCount?.0 == .quotaExceeded)
        #expect(followersCount?.1.contains("ads/w") == true && followersCount?.1.contains("0 of 1000 bytes") == true)
        #expect(refusal([table("ads/w", [300, 300])]) == nil)
        // Declared again: nothing is added.
        #expect(refusal([table("ads/w", [300, 300])]) == nil)
        #expect(refusal([table("ads/trial/x", [1, 1, 1])])?.0 == .quotaExceeded)
        #expect(refusal([table("ads/trial/x", [1, 1])]) == nil)
        // Of two tables that do not fit together neither is created.
        #expect(refusal([table("ads/a", [1]), table("ads/b", [1])])?.0 == .quotaExceeded)
        #expect(refusal([table("ads/a", [399])])?.0 == .quotaExceeded)
        #expect(refusal([table("adsother", [5_000])]) == nil)
        #expect(refusal([table("ads/a", [398])]) == nil)
        #expect(refusal([table("ads/b", [0])])?.0 == .quotaExceeded)
        #expect(
            refusal([table("v", Array(repeating: .max, count: 9)), table("ads/c", [.max, .max])])?.0 == .quotaExceeded)
    }

    @Test("namespaces that cannot be are refused with the configuration")
    func namespaceProblems() {
        var configuration = CoordinatorConfiguration()
        configuration.namespaces = [
            TableNamespace("a", prefix: ""), TableNamespace("a", prefix: "x", tables: -1, partitions: -2),
        ]
        let error = #expect(throws: CoordinationError.self) { try configuration.validate() }
        for part in ["a needs a prefix", "two namespaces are called a", "tables must not", "partitions must not"] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
    }

    @Test("a server that restarts heads the same partitions in a new epoch; registering twice changes nothing")
    func serverRestart() throws {
        var state = Self.state()
        try state.registerServer(Example.server("a"))
        try state.registerServer(Example.server("b"))
        try state.declare([Self.table("w", [1], [100, 100])])
        let before = (state.map, state.membershipEpoch)
        try state.registerServer(Example.server("a"))
        #expect(state.map == before.0)
        #expect(state.membershipEpoch == before.1)
        try state.registerServer(Example.server("a", life: 2))
        #expect(state.map.tables[0].partitions.map(\.epoch) == [2, 1])
        #expect(state.map.version == before.0.version + 1)
        #expect(state.membershipEpoch == before.1 + 1)
    }

    @Test("of partitions that a server has kept nothing is lost, if it goes on in the epoch after the map's")
    func serverKeepsPartitions() throws {
        var state = Self.state()
        try state.registerServer(Example.server("a"))
        try state.registerServer(Example.server("b"))
        try state.declare([Self.table("w", [1], [100, 100, 100, 100])])
        func epochs() -> [[UInt64]] {
            state.map.tables[0].partitions.filter { $0.head == "a" }.map { [$0.epoch, $0.intactSince] }
        }
        let ids = state.map.tables[0].partitions.filter { $0.head == "a" }.map(\.id)
        #expect(epochs() == [[1, 1], [1, 1]])
        // Of the second it has a copy of an earlier time.
        try state.registerServer(
            Example.server("a", life: 2),
            recovered: [
                RecoveredPartition(partition: ids[0], epoch: 2), RecoveredPartition(partition: ids[1], epoch: 1),
            ])
        #expect(epochs() == [[2, 1], [2, 2]])
        try state.registerServer(
            Example.server("a", life: 3), recovered: ids.map { RecoveredPartition(partition: $0, epoch: 3) })
        #expect(epochs() == [[3, 1], [3, 2]])
        try state.registerServer(Example.server("a", life: 4))
        #expect(epochs() == [[4, 4], [4, 4]])
    }

    @Test("a server that heads more than the map had in which it looked is to look again, and has lost nothing by that")
    func serverLooksAgain() throws {
        var state = Self.state()
        try state.registerServer(Example.server("a"))
        try state.registerServer(Example.server("b"))
        try state.declare([
            TableRequest(name: "w", declaration: [1], partitionByteCounts: [100], replicas: 1)
        ])
        let entry = state.map.tables[0].partitions[0]
        #expect(entry.chain == ["a", "b"])
        // Both have ended, and a leaves it to b, of which it is not known yet; b had looked before.
        let looked = state.map.version
        let kept = [RecoveredPartition(partition: entry.id, epoch: 2)]
        try state.registerServer(Example.server("a", life: 2), recovered: kept, mapVersion: looked)
        #expect(state.map.tables[0].partitions[0].head == "b")
        let map = state.map
        let error = #expect(throws: CoordinationError.self) {
            try state.registerServer(Example.server("b", life: 2), mapVersion: looked)
        }
        #expect(error?.code == .mapChanged && state.map == map)
        // It followed in epoch 1, and its log may end there.
        #expect(state.map.tables[0].partitions[0].headSince == 1)
        let again = RecoveredPartition(partition: entry.id, epoch: map.tables[0].partitions[0].epoch + 1)
        try state.registerServer(Example.server("b", life: 2), recovered: [again], mapVersion: map.version)
        #expect(state.map.tables[0].partitions[0].intactSince == 1)
        // One that has looked at this map and has nothing says so.
        try state.registerServer(Example.server("b", life: 3), mapVersion: state.map.version)
        #expect(state.map.living.count == 2)
    }

    @Test("a server's name belongs to the identity that registered it first")
    func serverNameIsOwned() throws {
        var state = Self.state()
        try state.registerServer(Example.server("a"))
        let map = state.map
        let error = #expect(throws: CoordinationError.self) {
            try state.registerServer(Example.server("a", life: 2, identity: "intruder"))
        }
        #expect(error?.code == .notOwner)
        #expect(error?.peer == "spiffe://digits.example/intruder")
        #expect(state.map == map)
    }

    @Test("the membership epoch rises on every join and leave, and on nothing else")
    func membershipEpoch() throws {
        var state = Self.state()
        func open(_ request: UInt64) throws -> CoordinatorState.Opening {
            try state.openSession(
                slot: 0, owner: Example.workerA, request: request, randomBits: 1, now: Example.second(0))
        }
        let first = try open(1)
        let again = try open(1)
        #expect([first.membershipEpoch, again.membershipEpoch] == [1, 1])
        let second = try open(2)
        #expect(second.membershipEpoch == 2)
        _ = try state.renewSession(second.record.session, slot: 0, owner: Example.workerA, now: Example.second(1))
        #expect(state.membershipEpoch == 2)
        let ended = state.expireSessions(now: Example.second(99))
        #expect(ended.map(\.session) == [second.record.session])
        #expect(state.membershipEpoch == 3)
        let lived = try state.closeSession(second.record.session, slot: 0, owner: Example.workerA)
        #expect(!lived)
        #expect(state.membershipEpoch == 3)
    }

    @Test("a configuration names all its problems at once")
    func validatesConfiguration() {
        var configuration = CoordinatorConfiguration()
        configuration.slots = 0
        configuration.lease = .zero
        let error = #expect(throws: CoordinationError.self) { try configuration.validate() }
        #expect(error?.message.contains("slots") == true)
        #expect(error?.message.contains("lease") == true)
    }
}
