import Coordination
import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Row tables in plain safetensors files, and under the command that looks at checkpoints.
@Suite(.timeLimit(.minutes(5))) struct RowExportTests {
    private static func table(partitions: Int, timeToLive: UInt64? = 3) throws -> TableDeclaration {
        try RowPartition.table(width: 2, rule: .adam(), partitions: partitions) {
            $0.timeToLive = timeToLive
            $0.keyLimit = 1_000
        }
    }

    private static func push(_ client: ParameterClient, _ keys: [UInt64]) async throws {
        let rows = try KeyedRows(keys: keys, values: .full([keys.count, 2], Float(1)))
        let report = try await client.push(NamedTensors(), rows: ["rows": rows])
        #expect(report.failed.isEmpty)
    }

    @Test("rows of a checkpoint are exported by key without those that expired, and another table begins with them")
    func exportAndStart() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("rows.safetensors").path
        let first = try await DiskJob(in: folder)
        let client = try await first.cluster.client(first.cluster.mesh("/worker/0"))
        _ = try await first.cluster.coordination(first.cluster.mesh("/operator")).declare([
            Example.table("bias").request
        ])
        try await client.declare([Self.table(partitions: 2)])
        let table = try Self.table(partitions: 2)
        let old = try #require((0..<1_000 as Range<UInt64>).first { table.partition(ofRow: $0) == 0 })
        try await Self.push(client, [old])
        let keys = (old + 1..<1_000 as Range<UInt64>).filter { $0 % 7 == 0 }
        // The last of these pushes is when the first row has expired and has not been found.
        for _ in 0..<3 { try await Self.push(client, keys) }
        let expected = try Example.bits(await client.pull(rows: keys, of: "rows"))
        try await first.checkpoints.write(step: 1)
        try await first.checkpoints.export(["rows"], to: path)
        let file = try Safetensors.read(path)
        #expect(file.names == ["rows.keys", "rows"])
        let exported = try file.tensor(named: "rows.keys").scalars(as: UInt64.self)
        #expect(exported.sorted() == keys && file["rows"]?.shape == [keys.count, 2])
        try await first.checkpoints.export(to: path)
        #expect(try Safetensors.read(path).names == ["bias", "rows.keys", "rows"])
        // The reader's export has the dense tables alone.
        let reader = try first.cluster.reader()
        try await reader.export(to: folder.file("dense.safetensors").path)
        #expect(try Safetensors.read(folder.file("dense.safetensors").path).names == ["bias"])
        let unknown = await parameterServerError { try await first.checkpoints.export(["nothing"], to: path) }
        #expect(unknown?.code == .unknownParameter)

        let second = try await DiskJob(in: TemporaryFolder())
        let other = try Self.table(partitions: 5)
        try await second.checkpoints.warmStart([other], from: path)
        let worker = try await second.cluster.client(second.cluster.mesh("/worker/0"))
        try await worker.declare([other])
        #expect(try Example.bits(await worker.pull(rows: keys, of: "rows")) == expected)
        let before = try Example.bits(await worker.pull(rows: [old], of: "rows"))
        #expect(
            try before
                == Example.bits(
                    other.initializer.values(
                        key: other.key, elements: Int(old) * 2..<Int(old) * 2 + 2, of: [1_000, 2])))
        try await Self.push(worker, keys)
        for client in [client, worker] { client.close() }
        reader.close()
        for job in [first, second] { await job.cluster.stop() }
    }

    @Test("keys of another program's kind are taken, and a file that does not fit is refused with what is wrong")
    func otherFiles() async throws {
        let folder = try TemporaryFolder()
        let job = try await DiskJob(in: folder)
        let table = try Self.table(partitions: 2)
        func refusal(_ tensors: [(String, AnyTensor)]) async throws -> String {
            let path = folder.file("other.safetensors").path
            try Safetensors.write(NamedTensors(tensors), to: path)
            let error = await parameterServerError { try await job.checkpoints.warmStart([table], from: path) }
            #expect(error?.code == .checkpointInvalid)
            return error?.message ?? "taken"
        }
        let values = try AnyTensor([1, 2, 3, 4] as [Float], shape: [2, 2])
        #expect(try await refusal([("rows", values)]).contains("rows.keys, of the keys of the rows, is missing"))
        let wide = try await refusal([
            ("rows", .zeros([2, 3])), ("rows.keys", AnyTensor([1, 2] as [UInt64], shape: [2])),
        ])
        #expect(wide.contains("float32[2, 3]") && wide.contains("float32[2, 2]"), "\(wide)")
        let twice = try await refusal([("rows", values), ("rows.keys", AnyTensor([7, 7] as [UInt64], shape: [2]))])
        #expect(twice.contains("row 7 twice"))
        let far = try await refusal([("rows", values), ("rows.keys", AnyTensor([7, -1] as [Int64], shape: [2]))])
        #expect(far.contains("keys are below 1000"))
        #expect(job.cluster.coordinator.map.tables.isEmpty)

        let path = folder.file("good.safetensors").path
        let keys = try AnyTensor([7, 5] as [Int64], shape: [2])
        try Safetensors.write(NamedTensors([("rows", values), ("rows.keys", keys)]), to: path)
        try await job.checkpoints.warmStart([table], from: path)
        let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
        try await client.declare([table])
        #expect(try await client.pull(rows: [5, 7], of: "rows").scalars(as: Float.self) == [3, 4, 1, 2])
        client.close()
        await job.cluster.stop()
    }

    @Test(
        "the command tells of a partition's rows",
        .enabled(if: Command.path != nil, "meshwork is not built: swift build --product meshwork"))
    func command() async throws {
        let folder = try TemporaryFolder()
        let job = try await DiskJob(in: folder, keepsLog: true)
        let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
        try await client.declare([Self.table(partitions: 1, timeToLive: nil)])
        try await Self.push(client, [5, 7, 9])
        try await job.checkpoints.write(step: 1)
        client.close()
        await job.cluster.stop()
        let dump = try await Command.run("checkpoint", "dump", job.checkpointPath, "--values", "2", "--json")
        #expect(dump.status == 0, "\(dump.printed)")
        let rows = try #require(try Command.json(dump.printed).array?.first?["rows"])
        #expect(rows["count"]?.integer(Int.self) == 3 && rows["slabs"]?.integer(Int.self) == 1)
        #expect(rows["keys"]?.array?.map { $0.integer(Int.self) } == [5, 7])
        #expect(rows["bytes"]?.integer(Int.self) == (try Self.table(partitions: 1).rowLayout.slabBytes))
        let text = try await Command.run("checkpoint", "dump", job.checkpointPath)
        #expect(text.printed.contains("rows 3, slabs 1, bytes") && text.printed.contains("keys 5 7 9"))
        let log = try await Command.run("log", "dump", job.logPath)
        #expect(log.printed.contains("rows 3, slabs 1"))
        #expect(try await Command.run("checkpoint", "verify", job.checkpointPath).status == 0)
    }
}
