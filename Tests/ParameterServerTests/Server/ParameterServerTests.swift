import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

@Suite struct ParameterServerTests {
    /// A worker that speaks to its one server without a client's checks.
    private struct RawWorker: Sendable {
        let client: MeshClient
        let session: WorkerSession
        let map: PartitionMap

        init(_ cluster: TestCluster, partitions: Int = 1) async throws {
            let mesh = try cluster.mesh("/worker/0")
            let coordination = try cluster.coordination(mesh)
            session = try await coordination.openSession(slot: 0)
            map = try await coordination.declare([try Example.table(partitions: partitions).request])
            client = mesh.client(map.servers[0].destination)
        }

        func push(
            _ partitions: [UInt64] = [1], scopes: [UInt64]? = nil, sequence: UInt64 = 1,
            acknowledgedThrough: UInt64 = 0,
            gradient: [Float] = [1, 1, 1, 1], session other: SessionID? = nil
        ) async throws(MeshError) -> [PushReply] {
            guard let tensor = try? AnyTensor(gradient, shape: [gradient.count]) else { return [] }
            let request = PushRequest(
                slot: 0,
                entries: partitions.map {
                    PushRequest.Entry(
                        partition: PartitionID(rawValue: $0), increment: 1,
                        basis: PartitionVersion(epoch: 1, applied: 0))
                }, gradients: partitions.map { _ in Segment(tensor) })
            let deduplication = Deduplication(
                session: other ?? session.id,
                entries: (scopes ?? partitions).map {
                    Deduplication.Entry(scope: $0, sequence: sequence, acknowledgedThrough: acknowledgedThrough)
                })
            return try await client.call(ParameterService.push, request, deduplication: deduplication).replies
        }

        func pull(_ partition: UInt64, minimum: UInt64 = 0, timeout: Duration? = nil) async throws(MeshError)
            -> PullResponse
        {
            let entry = PullRequest.Entry(
                partition: PartitionID(rawValue: partition), minimum: PartitionVersion(epoch: 1, applied: minimum))
            return try await client.call(ParameterService.pull, PullRequest([entry]), timeout: timeout)
        }
    }

    private static func simulate(
        partitions: Int = 1, _ body: @escaping @Sendable @concurrent (RawWorker, TestCluster) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            try await body(try await RawWorker(cluster, partitions: partitions), cluster)
        }
    }

    @Test("each push of a call is answered by itself: one for a partition that does not exist does not stop the others")
    func answersEach() async throws {
        try await Self.simulate { worker, cluster in
            let replies = try await worker.push([99, 1])
            guard case .refused(.unknownParameter, let message) = replies[0].outcome else {
                Issue.record("\(replies[0])")
                return
            }
            #expect(message.contains("partition 99"))
            #expect(replies[1].outcome == .applied)
            #expect(try await cluster.applied() == [1])
        }
    }

    @Test("a push of the wrong size is rejected by the partition")
    func wrongSize() async throws {
        try await Self.simulate { worker, _ in
            let replies = try await worker.push(gradient: [1, 1])
            #expect(
                replies.map(\.outcome) == [
                    .refused(.shapeMismatch, "partition weight#0: expected 4 elements, found 2")
                ])
        }
    }

    @Test("a refused push is one warning that names who pushed what, and a copy of it is none")
    func logsRefusals() async throws {
        try await Self.simulate { worker, cluster in
            func refusals() -> [LogCapture.Record] { cluster.log.all("push refused") }
            _ = try await worker.push()
            #expect(refusals().isEmpty)
            let cases: [(code: String, partition: String, error: String, push: () async throws -> Void)] = [
                (
                    "nonFinite", "weight#0", "element 1",
                    { _ = try await worker.push(sequence: 2, gradient: [1, .nan, 1, 1]) }
                ),
                ("shapeMismatch", "weight#0", "found 2", { _ = try await worker.push(sequence: 3, gradient: [1, 1]) }),
                ("unknownParameter", "99", "partition 99", { _ = try await worker.push([99], sequence: 4) }),
                (
                    "sessionUnknown", "weight#0", "no session",
                    { _ = try await worker.push(sequence: 4, session: SessionID(high: .max, low: 1)) }
                ),
            ]
            for (index, refused) in cases.enumerated() {
                try await refused.push()
                #expect(refusals().count == index + 1)
                let record = try #require(refusals().last)
                #expect(record.level == .warning)
                #expect(record.metadata["server"] == "server-0")
                #expect(record.metadata["peer"] == "spiffe://test.example/worker/0")
                #expect(record.metadata["code"] == refused.code)
                #expect(record.metadata["partition"] == refused.partition)
                #expect(record.metadata["error"]?.contains(refused.error) == true, "\(record)")
            }
            // The answer that it had before, and a number whose answer its session says that it has.
            let copy = try await worker.push(sequence: 2, gradient: [1, .nan, 1, 1])
            #expect(copy.map(\.isReplay) == [true])
            _ = try await worker.push(sequence: 5, acknowledgedThrough: 4)
            _ = try await worker.push(sequence: 2, gradient: [1, .nan, 1, 1])
            #expect(refusals().count == cases.count)
            // A call that contradicts itself is of no partition.
            await #expect(throws: MeshError.self) { try await worker.push([1], scopes: [2]) }
            #expect(refusals().count == cases.count + 1)
            #expect(refusals().last?.metadata["code"] == "malformedRequest")
            #expect(refusals().last?.metadata["peer"] == "spiffe://test.example/worker/0")
        }
    }

    @Test("a call that contradicts itself is an error and applies nothing")
    func malformedCalls() async throws {
        try await Self.simulate { worker, cluster in
            for (partitions, scopes) in [([1], [2]), ([1, 1], [1, 1]), ([1], [1, 2])] as [([UInt64], [UInt64])] {
                let error = await #expect(throws: MeshError.self) { try await worker.push(partitions, scopes: scopes) }
                #expect(error?.status == .invalidArgument)
            }
            let applied = try await cluster.applied()
            #expect(applied.filter { $0 > 0 }.isEmpty)
        }
    }

    @Test("a session that the coordinator does not know pushes nothing, and one that it does is asked for")
    func unknownSession() async throws {
        try await Self.simulate { worker, _ in
            let forged = SessionID(high: .max, low: 1)
            let replies = try await worker.push(session: forged)
            guard case .refused(.sessionUnknown, _) = replies[0].outcome else {
                Issue.record("\(replies[0])")
                return
            }
            #expect(try await worker.push().map(\.outcome) == [.applied])
        }
    }

    @Test("a pull that asks for a version waits for it, and until its deadline at most")
    func pullWaits() async throws {
        try await Self.simulate { worker, cluster in
            _ = try await worker.push(sequence: 1)
            async let later = worker.pull(1, minimum: 2)
            try await cluster.runtime.sleep(for: .milliseconds(10))
            _ = try await worker.push(sequence: 2)
            #expect(try await later.versions.map(\.applied) == [2])
            let error = await #expect(throws: MeshError.self) {
                try await worker.pull(1, minimum: 3, timeout: .milliseconds(30))
            }
            #expect(error?.code == .deadlineExceeded || error?.status == .deadlineExceeded)
        }
    }

    @Test("a pull of a partition that does not exist is an error that names it")
    func pullsUnknown() async throws {
        try await Self.simulate { worker, _ in
            let error = await #expect(throws: MeshError.self) { try await worker.pull(99) }
            #expect(error?.status == .notFound)
            #expect(error.map { ParameterServerError($0).code } == .unknownParameter)
        }
    }

    @Test("refused pushes, and calls that contradict themselves, are counted by why, and a copy is not")
    func countsRefusals() async throws {
        try await Self.simulate { worker, cluster in
            func refusals() -> [Substring] {
                String(decoding: PrometheusText.render(cluster.metrics), as: UTF8.self)
                    .split(separator: "\n").filter { $0.hasPrefix("parameter_refusals_total") }
            }
            _ = try await worker.push()
            #expect(refusals().isEmpty)
            for _ in 0..<2 { _ = try await worker.push(sequence: 2, gradient: [1, .nan, 1, 1]) }
            _ = try await worker.push([98, 99], sequence: 3)
            await #expect(throws: MeshError.self) { _ = try await worker.push([1], scopes: [2], sequence: 3) }
            #expect(
                Set(refusals()) == [
                    #"parameter_refusals_total{code="nonFinite"} 1"#,
                    #"parameter_refusals_total{code="unknownParameter"} 2"#,
                    #"parameter_refusals_total{code="malformedRequest"} 1"#,
                ])
        }
    }

    @Test("a call whose session nobody can be asked about is refused with a warning, and counted")
    func countsUnansweredQuestions() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            // Longer than the server asks: a call that its caller has given up is no refusal.
            let cluster = try await TestCluster.start(runtime, servers: 1, attemptTimeout: .seconds(60))
            let worker = try await RawWorker(cluster)
            await cluster.stopCoordinator()
            await #expect(throws: MeshError.self) {
                _ = try await worker.push(session: SessionID(high: .max, low: 1))
            }
            let codes = cluster.log.all("push refused").map { $0.metadata["code"] }
            #expect(!codes.isEmpty && Set(codes) == ["coordination"])
            let text = String(decoding: PrometheusText.render(cluster.metrics), as: UTF8.self)
            #expect(text.contains("parameter_refusals_total{code=\"coordination\"} \(codes.count)\n"))
        }
    }

    @Test("gradients above the size for loops are applied on the compute executor, with the same result")
    func largePushes() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            var configuration = ParameterServerConfiguration()
            configuration.bytesAppliedOnLoop = 0
            _ = try await cluster.startServer(0, configuration: configuration)
            let worker = try await RawWorker(cluster)
            async let first = worker.push(sequence: 1)
            async let copy = worker.push(sequence: 1)
            async let second = worker.push(sequence: 2)
            let replies = try await [first[0], copy[0], second[0]]
            #expect(replies.map(\.isReplay).filter { $0 }.count == 1)
            #expect(replies.allSatisfy { $0.outcome == .applied })
            #expect(try await cluster.reader().accounts().map(\.counter) == [2])
        }
    }

    @Test("a partition with a full queue takes a new fence all the same, and pushes of the new session wait for it")
    func fencesFullQueue() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0, attemptTimeout: .seconds(60)) {
                $0.fenceTimeout = .milliseconds(500)
            }
            var configuration = ParameterServerConfiguration()
            configuration.queuedPushes = 1
            let (server, address) = try await cluster.listeningServer(0, configuration: configuration)
            try await server.register(at: address)
            let tables = [try Example.table(partitions: 2)]
            func gradients() throws -> NamedTensors { try NamedTensors([("weight", .full([4], Float(1)))]) }
            let old = try await cluster.client(cluster.mesh("/worker/0"))
            try await old.declare(tables)
            #expect(try await old.push(gradients()).failed.isEmpty)
            // Somebody is at the first partition, and a push waits: its queue is full.
            let busy = server.hosted.all[0]
            #expect(busy.turns.tryTake())
            async let waiting = old.push(gradients())
            try await runtime.sleep(for: .milliseconds(20))
            let new = try await cluster.client(cluster.mesh("/worker/0"))
            #expect(new.session.unconfirmed == server.hosted.all.map(\.id))
            try await new.declare(tables)
            async let first = new.push(gradients())
            try await runtime.sleep(for: .milliseconds(20))
            busy.turns.pass()
            #expect(try await waiting.failed.isEmpty)
            #expect(try await first.failed.map(\.error.code) == [])
            #expect(Set(try await old.push(gradients()).failed.map(\.error.code)) == [.sessionFenced])
            #expect(try await cluster.applied() == [3, 3])
        }
    }

    @Test("a table that cannot be hosted is one warning and an error that names it, and later tables are hosted")
    func unreadableTables() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let other = try Example.table("other", partitions: 2).request
            let bad = [
                TableRequest(name: "noise", declaration: [1, 2, 3], partitionByteCounts: [16]),
                TableRequest(name: "renamed", declaration: other.declaration, partitionByteCounts: [8, 8]),
                TableRequest(name: "other", declaration: other.declaration, partitionByteCounts: [8, 4]),
                TableRequest(
                    name: "short", declaration: try Example.table("short").request.declaration,
                    partitionByteCounts: [8, 8]),
            ]
            let stranger = try cluster.coordination(cluster.mesh("/worker/9"))
            let map = try await stranger.declare(bad)
            let worker = try await RawWorker(cluster)
            let good = try #require(worker.map.table(named: "weight")?.partitions[0].id)
            #expect(try await worker.push([good.rawValue]).map(\.outcome) == [.applied])
            for table in map.tables {
                let error = await #expect(throws: MeshError.self) {
                    try await worker.pull(table.partitions[0].id.rawValue)
                }
                #expect(error.map { ParameterServerError($0).code } == .invalidDeclaration)
                #expect(error?.message.contains("table \(table.name): ") == true, "\(String(describing: error))")
            }
            let warnings = cluster.log.all("table cannot be hosted")
            #expect(warnings.map { $0.metadata["table"] } == bad.map(\.name))
            #expect(Set(warnings.map(\.level)) == [.warning])

            let reader = try cluster.reader()
            #expect(
                try await reader.pull(["weight"]).tensor(named: "weight").scalars(as: Float.self) == [-1, -1, -1, -1])
            let all = await #expect(throws: ParameterServerError.self) { try await reader.pull() }
            #expect(all?.code == .invalidDeclaration)
            for table in bad { #expect(all?.message.contains("table \(table.name): ") == true, "\(table.name)") }
            let unknown = await #expect(throws: ParameterServerError.self) { try await reader.pull(["nowhere"]) }
            #expect(unknown?.code == .unknownParameter)
        }
    }

    @Test("a server's name is its identity's: another identity cannot register under it")
    func nameIsOwned() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let mesh = try cluster.mesh("/worker/7")
            let impostor = try ParameterServer(named: "server-0", on: mesh, coordination: cluster.coordination(mesh))
            let address = try await mesh.listen(host: "127.0.0.1", port: 0)
            let error = await #expect(throws: ParameterServerError.self) { try await impostor.register(at: address) }
            #expect((error?.cause as? CoordinationError)?.code == .notOwner)
        }
    }

    @Test("a configuration names all its problems at once")
    func validatesConfiguration() {
        var configuration = ParameterServerConfiguration()
        configuration.queuedPushes = 0
        configuration.bytesAppliedOnLoop = -1
        configuration.unacknowledgedPushes = 0
        configuration.ledgerRuns = 0
        configuration.ledgerSessions = 0
        let error = #expect(throws: ParameterServerError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in ["queuedPushes", "bytesAppliedOnLoop", "unacknowledgedPushes", "ledgerRuns", "ledgerSessions"] {
            #expect(error?.message.contains(name) == true, "\(name)")
        }
    }
}
