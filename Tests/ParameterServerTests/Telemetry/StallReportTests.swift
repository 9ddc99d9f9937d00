import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// Who waits for whom, and that each wait ends.
@Suite(.timeLimit(.minutes(5))) struct StallReportTests {
    private static func gradients() throws -> NamedTensors { try NamedTensors([("weight", .full([4], Float(1)))]) }

    @Test(
        "a push that waits for its turn is in its server's and its client's report, and once in the log if it is long")
    func turn() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0, attemptTimeout: .seconds(60))
            let (server, address) = try await cluster.listeningServer(0)
            try await server.register(at: address)
            let client = try await cluster.client(cluster.mesh("/worker/3"), slot: 3)
            try await client.declare([Example.table()])
            _ = try await client.pull()
            #expect(server.stallReport().waits == [] && server.stallReport().description == "")
            let partition = server.hosted.all[0]
            #expect(partition.turns.tryTake())
            async let pushing = client.push(Self.gradients())
            try await runtime.sleep(for: .seconds(2))
            let wait = try #require(server.stallReport().waits.first)
            #expect((wait.reason, wait.waiter, wait.slot, wait.session) == (.turn, "push 1", 3, client.session.id))
            #expect(wait.partition == partition.name && wait.peer == "spiffe://test.example/worker/3")
            #expect(wait.duration > .milliseconds(1_900) && wait.duration <= .seconds(2))
            let own = try #require(client.stallReport().waits.first)
            #expect((own.reason, own.blocker) == (.answer, "server server-0"))
            #expect(own.peer == "spiffe://test.example/server/0")
            #expect(own.session == client.session.id && own.slot == 3)
            #expect(cluster.log.all("a wait is long").isEmpty)
            try await runtime.sleep(for: .seconds(8))
            let told = cluster.log.all("a wait is long")
            #expect(told.count == 1)
            #expect(told.first?.metadata["waiter"] == "push 1" && told.first?.metadata["for"] == "turn")
            #expect(told.first?.metadata["session"] == client.session.id.description)
            partition.turns.pass()
            #expect(try await pushing.failed.isEmpty)
            #expect(server.stallReport().waits == [] && client.stallReport().waits == [])
            client.close()
        }
    }

    @Test("a push names the follower that it waits for, a pull the version")
    func chainAndVersion() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(
                runtime, servers: 0, attemptTimeout: .seconds(60), adjust: { $0.serversBeforePlacement = 2 })
            var servers: [ParameterServer] = []
            for index in 0..<2 {
                let (server, address) = try await cluster.listeningServer(index)
                try await server.register(at: address)
                servers.append(server)
            }
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([
                try TableDeclaration(
                    name: "weight", shape: [4], initializer: .zeros, key: RandomKey(seed: 1),
                    updateRule: .sgd(learningRate: 1), partitioning: .count(1), replicas: 1)
            ])
            #expect(try await client.push(Self.gradients()).failed.isEmpty)
            let entry = cluster.coordinator.map.tables[0].partitions[0]
            let head = try #require(servers.first { $0.name == entry.head })
            let follower = try #require(servers.first { $0.name == entry.followers[0] })
            let copy = try #require(follower.hosted.known(entry.id))
            #expect(copy.turns.tryTake())
            async let pushing = client.push(Self.gradients())
            let minimum = PartitionVersion(epoch: 1, applied: 3)
            async let pulling = client.pull(atLeast: [entry.id: minimum], isolation: .uncommitted)
            try await runtime.sleep(for: .milliseconds(300))
            let waits = head.stallReport().waits
            #expect(Set(waits.map(\.reason)) == [.chain, .version], "\(head.stallReport())")
            let push = try #require(waits.first { $0.reason == .chain })
            #expect(push.waiter == "push 2" && push.blocker == "follower \(follower.name), or those after it")
            let pull = try #require(waits.first { $0.reason == .version })
            #expect(pull.waiter == "a pull" && pull.blocker == "pushes up to version 1.3")
            #expect(head.stallReport().description.contains("waits"))
            copy.turns.pass()
            #expect(try await pushing.failed.isEmpty)
            #expect(try await client.push(Self.gradients()).failed.isEmpty)
            #expect(try await pulling.tensor(named: "weight").scalars(as: Float.self) == [-3, -3, -3, -3])
            #expect(head.stallReport().waits == [])
            client.close()
        }
    }

    @Test("a push whose deadline has passed when its turn comes is not applied")
    func lateTurn() async throws {
        let partition = try Example.partition(Example.table())
        let late = await partition.push(try Example.push(1), until: RuntimeInstant(nanoseconds: 0)).reply
        guard case .refused(.busy, _) = late.outcome else {
            Issue.record("\(late)")
            return
        }
        let early = await partition.push(try Example.push(1), until: RuntimeInstant(nanoseconds: 1)).reply
        #expect(early.outcome == .applied && !early.isReplay)
    }

    @Test("a wait for a turn ends at its deadline, or with its task, and the turn goes on to the next")
    func deadline() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let queue = TurnQueue(limit: 2)
            #expect(await queue.take(until: runtime.now, on: runtime))
            let end = runtime.now.advanced(by: .seconds(3))
            async let late = queue.take(until: end, on: runtime)
            let isServed = await withTaskGroup(of: Bool.self) { group in
                group.addTask { await queue.take(until: end.advanced(by: .seconds(9)), on: runtime) }
                try? await runtime.sleep(for: .seconds(1))
                #expect(queue.waitingCount == 2)
                // Too many.
                #expect(await !queue.take(until: end, on: runtime))
                group.cancelAll()
                return await group.next()
            }
            #expect(isServed == false && queue.waitingCount == 1)
            #expect(await !late && queue.waitingCount == 0)
            #expect(runtime.now == end)
            async let next = queue.take(until: end.advanced(by: .seconds(3)), on: runtime)
            async let afterwards: Void = queue.takeWithoutLimit()
            try await runtime.sleep(for: .seconds(1))
            queue.pass()
            #expect(await next)
            queue.pass()
            await afterwards
            queue.pass()
            #expect(queue.tryTake())
        }
    }

    @Test("a call that waits for others to have the coordinator's answers ends, with an error that says so")
    func questions() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0, attemptTimeout: .seconds(60))
            let (server, address) = try await cluster.listeningServer(0)
            try await server.register(at: address)
            await server.hosted.questions.takeWithoutLimit()
            let client = try cluster.mesh("/worker/0").client(cluster.coordinator.map.servers[0].destination)
            let entry = PullRequest.Entry(
                partition: PartitionID(rawValue: 99), minimum: PartitionVersion(epoch: 0, applied: 0))
            let start = runtime.now
            async let asked = #expect(throws: MeshError.self) {
                try await client.call(ParameterService.pull, PullRequest([entry]), timeout: .seconds(20))
            }
            try await runtime.sleep(for: .seconds(1))
            let wait = try #require(server.stallReport().waits.first)
            #expect((wait.reason, wait.blocker) == (.coordinator, "the coordinator"))
            #expect(await asked != nil)
            #expect(start.duration(to: runtime.now) <= .seconds(21))
            try await runtime.sleep(for: .seconds(15))
            #expect(server.stallReport().waits == [])
            server.hosted.questions.pass()
        }
    }
}
