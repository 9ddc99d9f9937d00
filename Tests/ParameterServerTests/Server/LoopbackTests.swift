import Coordination
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite(.timeLimit(.minutes(5))) struct LoopbackTests {
    @Test("over TLS and on many threads, with lost and doubled messages, every push is applied exactly once")
    func exactlyOnce() async throws {
        let cluster = try await TestCluster.start(SystemRuntime.shared, attemptTimeout: .milliseconds(500)) {
            $0.lease = .seconds(300)
        }
        let notes = PushNotebook()
        // One table below and one above the size that is applied on an event loop.
        let tables = [
            try Example.table("small", shape: [100], rule: .sgd(learningRate: 1)),
            try Example.table("large", shape: [200, 300], rule: .sgd(learningRate: 1), partitions: 2),
        ]
        try await withThrowingTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    let faults = SeededFaults(
                        seed: UInt64(worker), replyLoss: 0.05, requestLoss: 0.05, requestDuplication: 0.1,
                        isAffected: { $0 == ParameterService.push.path })
                    let client = try await cluster.client(
                        cluster.mesh("/worker/\(worker)", faults: faults), slot: worker, observer: notes.observer)
                    try await client.declare(tables)
                    for _ in 0..<25 {
                        _ = try await client.pull()
                        let report = try await client.push(
                            NamedTensors([("small", .full([100], Float(1))), ("large", .full([200, 300], Float(1)))]))
                        #expect(report.failed.isEmpty)
                    }
                    client.close()
                }
            }
            try await group.waitForAll()
        }
        let reader = try cluster.reader()
        let (sent, acknowledged) = notes.all
        let audit = PushAudit(accounts: try await reader.accounts(), sent: sent, acknowledged: acknowledged)
        #expect(audit.discrepancies == [])
        #expect((audit.sent, audit.acknowledged, audit.applied) == (300, 300, 300))
        #expect(audit.duplicatesSuppressed > 0)
        for (_, tensor) in try await reader.pull() {
            #expect(try Set(tensor.scalars(as: Float.self)) == [-100])
        }
        reader.close()
        await cluster.stop()
    }

    @Test("over TLS, a head that is stopped makes way for its follower, and nothing that was acknowledged is lost")
    func headStopped() async throws {
        let cluster = try await TestCluster.start(
            SystemRuntime.shared, servers: 0, attemptTimeout: .milliseconds(500)
        ) {
            $0.lease = .seconds(300)
            $0.serversBeforePlacement = 2
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cluster.coordinator.run() }
            var servers: [String: ParameterServer] = [:]
            for index in 0..<2 {
                let (server, address) = try await cluster.listeningServer(index)
                try await server.register(at: address)
                servers[server.name] = server
            }
            let notes = PushNotebook()
            let client = try await cluster.client(cluster.mesh("/worker/0"), observer: notes.observer)
            // One partition below and one above the size that is applied on an event loop, both headed by each in turn.
            try await client.declare([
                try TableDeclaration(
                    name: "small", shape: [100], initializer: .zeros, key: RandomKey(seed: 5),
                    updateRule: .sgd(learningRate: 1), partitioning: .count(2), replicas: 1),
                try TableDeclaration(
                    name: "large", shape: [200, 300], initializer: .zeros, key: RandomKey(seed: 5),
                    updateRule: .sgd(learningRate: 1), partitioning: .count(2), replicas: 1),
            ])
            var durabilities: [Set<Durability>] = []
            for step in 0..<30 {
                if step == 15, let head = cluster.coordinator.map.tables.first?.partitions.first?.head,
                    let server = servers.removeValue(forKey: head)
                {
                    await server.mesh.stop()
                    await server.close()
                }
                _ = try await client.pull()
                let report = try await client.push(
                    NamedTensors([("small", .full([100], Float(1))), ("large", .full([200, 300], Float(1)))]))
                #expect(report.failed.isEmpty, "step \(step): \(report.failed)")
                durabilities.append(Set(report.acknowledged.map(\.durability)))
            }
            #expect(durabilities[..<15].allSatisfy { $0 == [.replicated(1)] })
            #expect(durabilities.last == [.memory])
            let parameters = try await client.pull()
            for (_, tensor) in parameters { #expect(try Set(tensor.scalars(as: Float.self)) == [-30]) }
            var accounts: [PartitionAccount] = []
            for partition in servers.values.first?.hosted.headed ?? [] {
                if let account = await partition.account() { accounts.append(account) }
            }
            let audit = PushAudit(accounts: accounts, sent: notes.all.sent, acknowledged: notes.all.acknowledged)
            #expect(audit.discrepancies == [] && audit.applied == 120 && audit.acknowledged == 120)
            client.close()
            group.cancelAll()
        }
        await cluster.stop()
    }

    /// A push that a proper client does not send.
    enum BadPush: CaseIterable, Sendable {
        case notFinite, wrongShape, unknownPartition

        var code: ParameterServerError.Code {
            switch self {
            case .notFinite: .nonFinite
            case .wrongShape: .shapeMismatch
            case .unknownPartition: .unknownParameter
            }
        }

        /// Turns a good push of `place` into this one: its partition, its elements, its gradient.
        func apply(to place: inout TableSet.Place, _ gradient: inout [Float]) {
            switch self {
            case .notFinite: gradient[place.elements.lowerBound + 1] = .nan
            case .wrongShape: place.elements = place.elements.dropLast(1)
            case .unknownPartition: place.id = PartitionID(rawValue: 99)
            }
        }
    }

    @Test(
        "a bad push that arrives over TLS is refused by a server that the error names, and leaves every bit as it was",
        arguments: BadPush.allCases)
    func badPush(_ kind: BadPush) async throws {
        let cluster = try await TestCluster.start(SystemRuntime.shared, attemptTimeout: .seconds(60)) {
            $0.lease = .seconds(300)
        }
        let mesh = try cluster.mesh("/worker/0")
        let client = try await cluster.client(mesh)
        // Adam: its moments would show in later steps.
        let tables = [
            try Example.table(
                "weight", shape: [8], initializer: .uniform(low: -1, high: 1), rule: .adam(), partitions: 2)
        ]
        try await client.declare(tables)
        _ = try await client.push(NamedTensors([("weight", .full([8], Float(1)))]))
        let before = try Example.bits(try await client.pull().tensor(named: "weight"))

        let set = try TableSet(tables, in: cluster.coordinator.map, callBytes: 1 << 20)
        let share = set.shares[0]
        var (place, gradient) = (share.places[0], Array(repeating: Float(1), count: 8))
        kind.apply(to: &place, &gradient)
        let push = NumberedPush(
            place, of: client.session.id, PushNumbers.Number(sequence: 2, acknowledgedThrough: 1),
            basis: PartitionVersion(epoch: place.epoch, applied: 1),
            GradientShare(gradient: Segment(try AnyTensor(gradient, shape: [8]).sliced(axis: 0, place.elements))))
        let sent = TableSet.Share(server: share.server, places: [place])
        let call = PushCall([push], to: sent, from: client.session)
        let clients = ServerClients(mesh)
        let routes = TableRoutes(try cluster.coordination(mesh), clients, callBytes: 1 << 20)
        let report = await call.send(routes, timeout: .seconds(120))

        let error = try #require(report.failed.first?.error)
        #expect(report.failed.count == 1 && report.acknowledged.isEmpty)
        #expect(error.code == kind.code)
        #expect(error.peer == share.server.identity.description)
        #expect(error.message.contains(kind == .unknownPartition ? "partition 99" : "\(place.name)"), "\(error)")
        let after = try await client.pull()
        #expect(try Example.bits(after.tensor(named: "weight")) == before)
        #expect(try await cluster.applied() == [1, 1])
        let records = cluster.log.all("push refused")
        #expect(records.map { $0.metadata["code"] } == [kind.code.description])
        #expect(records.map { $0.metadata["peer"] } == ["spiffe://test.example/worker/0"])
        routes.close()
        clients.close()
        client.close()
        await cluster.stop()
    }
}
