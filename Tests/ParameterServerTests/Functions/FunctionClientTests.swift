import Coordination
import Identity
import Logging
import MeshGRPC
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

/// Workers that call functions on whole servers.
@Suite struct FunctionClientTests {
    private typealias Functions = ExampleFunctions

    private static func simulate(
        seed: UInt64 = 7, servers: Int = 2,
        configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        _ body: @escaping @Sendable @concurrent (TestCluster) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(
                runtime, servers: 0, adjust: { $0.serversBeforePlacement = servers })
            for index in 0..<servers {
                _ = try await cluster.startServer(
                    index, configuration: configuration, functions: Functions.all)
            }
            try await body(cluster)
        }
    }

    @Test("a function runs on every partition of a table, and its answers are combined as it says")
    func combined() async throws {
        try await Self.simulate { cluster in
            let notes = PushNotebook()
            let client = try await cluster.client(cluster.mesh("/worker/0"), observer: notes.observer)
            try await client.declare([
                Example.table(shape: [10], initializer: .constant(2), partitions: 3), Example.table("other"),
            ])
            let norm = try await client.call(Functions.squares, 1, on: "weight")
            #expect(norm.combined == [40, 10])
            #expect(norm.answers.map(\.partition.index) == [0, 1, 2])
            #expect(norm.answers.map(\.value[1]) == [4, 3, 3])
            #expect(norm.pushes.acknowledged.isEmpty && norm.answers.allSatisfy { $0.durability == nil })
            let report = try await client.call(Functions.clip, 0.5, on: "weight")
            #expect(report.combined == 10)
            #expect(report.answers.allSatisfy { $0.durability == .memory && $0.version.applied == 1 })
            #expect(report.pushes.failed.isEmpty)
            // It reads its own writes.
            #expect(try await client.call(Functions.squares, 1, on: "weight").combined == [2.5, 10])
            #expect(
                try await client.call(Functions.squares, 1, on: "weight", isolation: .committed).combined == [2.5, 10])
            // One without a way to combine has a single answer for a single partition alone.
            #expect(try await client.call(Functions.noise, 0.5, on: "weight").combined == nil)
            #expect(try await client.call(Functions.noise, 0.5, on: "other").combined == 0)
            let audit = PushAudit(
                accounts: try await cluster.reader().accounts(), sent: notes.all.sent,
                acknowledged: notes.all.acknowledged)
            #expect(audit.discrepancies == [])
            #expect((audit.sent, audit.applied) == (7, 7))
            let calls = cluster.metrics.counter(
                "parameter_function_calls_total", help: "", labels: "function", "outcome")
            #expect(calls.series("clip@1", "answered").value == 3)
            #expect(calls.series("squares@1", "answered").value == 9)
            let seconds = cluster.metrics.histogram("parameter_function_seconds", help: "", labels: "function")
            #expect(seconds.series("clip@1").snapshot().count == 3)
        }
    }

    @Test(
        "under lost and doubled messages each call runs once, and its answer is that of then",
        arguments: [1, 2] as [UInt64])
    func exactlyOnce(seed: UInt64) async throws {
        try await Self.simulate(seed: seed) { cluster in
            let faults = SeededFaults(
                seed: seed, replyLoss: 0.15, losesFirstReply: true, requestLoss: 0.1, requestDuplication: 0.2,
                isAffected: { $0 == ParameterService.call.path })
            let client = try await cluster.client(cluster.mesh("/worker/0", faults: faults))
            try await client.declare([Example.table(shape: [6], partitions: 3)])
            var replays = 0
            for step in 1...20 {
                let report = try await client.call(Functions.add, 1, on: "weight")
                #expect(report.answers.map(\.value) == [Float(step), Float(step), Float(step)], "seed \(seed)")
                replays += report.answers.count(where: \.isReplay)
            }
            #expect(replays > 0, "seed \(seed)")
            #expect(try await cluster.applied() == [20, 20, 20], "seed \(seed)")
        }
    }

    @Test("what a client can see beforehand it refuses before anything leaves; the rest is in the report")
    func badCalls() async throws {
        try await Self.simulate { cluster in
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([Example.table(), RowPartition.table()])
            func code(_ body: () async throws -> Void) async -> ParameterServerError.Code? {
                do {
                    try await body()
                    return nil
                } catch {
                    return (error as? ParameterServerError)?.code
                }
            }
            #expect(await code { _ = try await client.call(Functions.add, 1, on: "none") } == .unknownParameter)
            #expect(
                await code { _ = try await client.call(Functions.add, 1, on: "weight", rows: [1]) } == .shapeMismatch)
            #expect(await code { _ = try await client.call(Functions.add, 1, on: "rows") } == .shapeMismatch)
            #expect(try await cluster.applied() == [0, 0])
            let failed = try await client.call(Functions.wrong, "throws", on: "weight")
            #expect(failed.answers.isEmpty && failed.combined == nil)
            #expect(failed.pushes.failed.map(\.error.code) == [.functionFailed])
            #expect(failed.pushes.failed[0].error.message.contains("Failure()"))
            let none = ServerFunction(updating: "none") { (_: inout PartitionValues, _: Int) in 0 }
            #expect(try await client.call(none, 1, on: "weight").pushes.failed.map(\.error.code) == [.unknownFunction])
            #expect(await code { _ = try await client.call(Functions.squares, -1, on: "weight") } == .functionFailed)
            let read = ServerFunction(reading: "squares", version: 9) { (_: PartitionValues, _: Int) in 0 }
            #expect(await code { _ = try await client.call(read, 1, on: "weight") } == .unknownFunction)
            // It answers with another type than this caller takes it for.
            let other = ServerFunction(reading: "squares") { (_: PartitionValues, _: Double) in "" }
            #expect(await code { _ = try await client.call(other, 1, on: "weight") } == .callFailed)
            #expect(try await cluster.applied() == [0, 0])
            let calls = cluster.metrics.counter(
                "parameter_function_calls_total", help: "", labels: "function", "outcome")
            #expect(calls.series("wrong@1", "failed").value == 1)
            #expect(calls.series("squares@1", "failed").value == 1)
        }
    }

    @Test("a function of rows runs on those that exist; rows that the client keeps are fetched again")
    func rows() async throws {
        try await Self.simulate { cluster in
            var configuration = ParameterClientConfiguration()
            configuration.hotRows = HotRowConfiguration()
            let client = try await cluster.client(cluster.mesh("/worker/0"), configuration: configuration)
            try await client.declare([
                RowPartition.table(width: 2, initializer: .constant(3), partitions: 3)
            ])
            let keys: [UInt64] = [1, 2, 3, 4, 5, 6]
            _ = try await client.push(
                NamedTensors(), rows: ["rows": KeyedRows(keys: keys, values: .zeros([6, 2]))])
            _ = try await client.pull(rows: keys, of: "rows")
            // 90 does not exist.
            let report = try await client.call(Functions.clip, 1, on: "rows", rows: [90, 6, 1, 1])
            #expect(report.combined == 4)
            let rows = try await client.pull(rows: [1, 2, 6, 90], of: "rows")
            #expect(try rows.scalars(as: Float.self) == [1, 1, 3, 3, 1, 1, 3, 3])
            #expect(try await client.call(Functions.squares, 1, on: "rows", rows: keys + [90]).combined == [76, 12])
        }
    }

    @Test("who may call what: by table, function and identity; a push is no leave to call")
    func authorization() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.tablePolicy = try TablePolicy(rules: [
            .init(
                "clipping", tables: ["weight"], verbs: [.call], functions: ["clip", "sq*"],
                identities: ["spiffe://test.example/worker/0"]),
            .init("training", tables: ["*"], verbs: [.pull, .push, .audit], identities: ["spiffe://test.example/*"]),
        ])
        try await Self.simulate(configuration: configuration) { cluster in
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([Example.table(), Example.table("other")])
            #expect(try await client.call(Functions.clip, 1, on: "weight").combined == 0)
            #expect(try await client.call(Functions.squares, 1, on: "weight").combined == [0, 4])
            for (report, what) in [
                (try await client.call(Functions.add, 1, on: "weight").pushes, "function add on table weight"),
                (try await client.call(Functions.clip, 1, on: "other").pushes, "function clip on table other"),
            ] {
                #expect(report.failed.map(\.error.code) == [.notAllowed])
                #expect(report.failed[0].error.message.contains("may not call \(what)"), "\(report.failed)")
            }
            let other = try await cluster.client(cluster.mesh("/worker/1"), slot: 1)
            try await other.declare([Example.table()])
            let error = await #expect(throws: ParameterServerError.self) {
                try await other.call(Functions.squares, 1, on: "weight")
            }
            #expect(error?.code == .notAllowed)
            #expect(try await client.pull().tensor(named: "weight").scalars(as: Float.self) == [0, 0, 0, 0])
        }
    }

    @Test("a server does not begin with functions that it cannot have")
    func invalid() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            for functions in [
                [Functions.add.registered, Functions.add.registered],
                [ServerFunction(reading: "a@b") { (_: PartitionValues, _: Int) in 0 }.registered],
            ] {
                let error = await #expect(throws: ParameterServerError.self) {
                    _ = try await cluster.startServer(0, functions: functions)
                }
                #expect(error?.code == .invalidConfiguration)
            }
        }
    }

    @Test("a server that starts again runs the calls of its log to the same bits, and without the function not at all")
    func log() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .disk)
        let settings = configuration
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            _ = try await cluster.startServer(0, configuration: settings, functions: Functions.all)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([Example.table(shape: [6], rule: .adam(), partitions: 2)])
            _ = try await client.push(NamedTensors([("weight", .full([6], Float(1)))]))
            let report = try await client.call(Functions.noise, 0.5, on: "weight")
            #expect(report.answers.allSatisfy { $0.durability == .loggedSynced })
            let before = try await client.pull()
            for functions in [[], Functions.all] {
                let server = cluster.coordinator.map.servers[0]
                runtime.kill(host: server.host, port: server.port)
                runtime.disk.killProcess()
                guard functions.isEmpty else {
                    _ = try await cluster.startServer(0, configuration: settings, functions: functions)
                    break
                }
                let error = await #expect(throws: ParameterServerError.self) {
                    _ = try await cluster.startServer(0, configuration: settings, functions: functions)
                }
                #expect(error?.code == .logFailed)
                #expect(error?.message.contains("no function noise@2") == true, "\(String(describing: error))")
            }
            let after = try await client.pull()
            #expect(try Example.bits(after.tensor(named: "weight")) == Example.bits(before.tensor(named: "weight")))
            _ = try await client.call(Functions.add, 1, on: "weight")
            #expect(try await cluster.applied() == [3, 3])
        }
    }

    @Test(
        "a call whose argument and answer do not fit into a record of the log changes nothing, and is told so at once")
    func largeRecord() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .process)
        // A record has half of it at most.
        configuration.log?.waitingBytes = 1 << 20
        try await Self.simulate(servers: 1, configuration: configuration) { cluster in
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([Example.table()])
            let start = cluster.runtime.now
            let argument = "large" + String(repeating: ".", count: 430_000)
            let report = try await client.call(Functions.wrong, argument, on: "weight")
            #expect(report.pushes.failed.map(\.error.code) == [.answerTooLarge])
            #expect(start.duration(to: cluster.runtime.now) < .seconds(1))
            #expect(try await client.call(Functions.add, 1, on: "weight").combined == 1)
        }
    }

    @Test("over gRPC a call is the published message, and its copy gets the answer that was kept")
    func overGRPC() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("everybody", methods: ["*"], identities: ["\(authority.trustDomain.id)/*"])
        ])
        let server = try Mesh(identity: authority.identity("/server"), policy: policy, logger: silent)
        try server.enableGRPC()
        let coordinator = try await Coordinator(on: server, logger: silent)
        let parameters = try ParameterServer(
            standalone: coordinator, functions: Functions.all, logger: silent)
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        try await parameters.register(at: address)
        let mesh = try Mesh(identity: authority.identity("/worker/0"), policy: .denyAll, logger: silent)
        try mesh.enableGRPC()
        let destination = Destination(
            host: address.host, port: address.port, identities: [.exact(try authority.id("/server"))])
        let coordination = CoordinationClient(mesh, coordinator: destination)
        let session = try await coordination.openSession(slot: 0)
        let worker = try ParameterClient(session, coordination)
        try await worker.declare([Example.table()])
        let partition = try #require(coordinator.map.tables.first?.partitions.first)
        let grpc = mesh.client(destination.overGRPC)
        let request = CallRequest(
            slot: 0, function: Functions.id(Functions.add),
            entries: [.init(partition: partition.id, increment: 1, basis: PartitionVersion(epoch: 1, applied: 0))],
            // 1.5, as CBOR has it.
            argument: Segment(copying: [0xF9, 0x3E, 0x00]))
        let deduplication = Deduplication(
            session: session.id,
            entries: [.init(scope: partition.id.rawValue, sequence: 1, acknowledgedThrough: 0)])
        for isCopy in [false, true] {
            let response = try await grpc.call(ParameterService.call, request, deduplication: deduplication)
            let reply = try #require(response.answered.first)
            #expect(reply.outcome == .applied && reply.isReplay == isCopy)
            #expect(try reply.value(as: Float.self) == 1.5)
        }
        let query = QueryRequest(
            function: Functions.id(Functions.squares),
            entries: [.init(partition: partition.id, minimum: PartitionVersion(epoch: 1, applied: 1))],
            argument: Segment(copying: [0xF9, 0x3C, 0x00]))
        let answer = try #require(try await grpc.call(ParameterService.query, query).answers.first)
        #expect(try CodableMessage<[Double]>(encoded: answer.copiedBytes).value == [9, 4])
        grpc.close()
        worker.close()
        await parameters.close()
        await mesh.stop()
        await server.stop()
    }
}
