import Coordination
import Foundation
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Plain safetensors files: what a job's tables are exported to, and what new ones begin with.
@Suite(.timeLimit(.minutes(5))) struct WarmStartTests {
    @Test("tables begin with what others were exported with, and with optimizers that have taken no step")
    func exportAndStart() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model.safetensors").path
        let (first, second) = (try await DiskJob(in: folder), try await DiskJob(in: folder))
        let client = try await first.cluster.client(first.cluster.mesh("/worker/0"))
        try await client.declare(CheckpointJob.tables())
        _ = try await client.pull()
        try await client.train(1...4)
        let expected = try CheckpointJob.bits(try await client.pull())
        let reader = try first.cluster.reader()
        try await reader.export(to: path)
        let file = try Safetensors.read(path)
        #expect(file.names == ["weight", "bias"] && file["weight"]?.shape == [6, 3])
        #expect(try CheckpointJob.bits(file) == expected)

        let report = try await second.checkpoints.warmStart(CheckpointJob.tables(), from: path)
        #expect(report.partitions.map(\.version.applied) == [0, 0, 0, 0])
        let other = try await second.cluster.client(second.cluster.mesh("/worker/0"))
        try await other.declare(CheckpointJob.tables())
        #expect(try CheckpointJob.bits(try await other.pull()) == expected)
        try await other.train(1...1)
        let folderOfBoth = CheckpointFolder(second.checkpointPath, on: SystemRuntime.shared)
        try await second.checkpoints.write(step: 1)
        for file in try await folderOfBoth.manifest(1).files {
            let snapshot = try await folderOfBoth.read(file, step: 1)
            #expect(snapshot.stepCount == 1 && snapshot.applied == 1 && snapshot.auditCounter == 1)
        }
        let again = await parameterServerError {
            try await second.checkpoints.warmStart(CheckpointJob.tables(), from: path, step: 2)
        }
        #expect(again?.code == .checkpointFailed)
        #expect(again?.message.contains("table weight exists") == true, "\(again?.message ?? "")")
        for client in [client, other] { client.close() }
        reader.close()
        for job in [first, second] { await job.cluster.stop() }
    }

    @Test("a file that is not of the model is refused with every tensor that does not fit, and no table is declared")
    func otherFile() async throws {
        let folder = try TemporaryFolder()
        let job = try await DiskJob(in: folder)
        let path = folder.file("other.safetensors").path
        let tables = try CheckpointJob.tables() + [Example.table("third"), Example.table("fourth")]
        try Safetensors.write(
            NamedTensors([
                ("weight", .zeros([3, 6])), ("third", .zeros([4], dtype: .float64)), ("fourth", .full([4], Float.nan)),
            ]), to: path)
        let error = await parameterServerError { try await job.checkpoints.warmStart(tables, from: path) }
        #expect(error?.code == .checkpointInvalid)
        for words in [
            path, "weight is float32[3, 6]", "bias is missing", "third is float64", "element 0 of tensor fourth",
        ] {
            #expect(error?.message.contains(words) == true, "\(words): \(error?.message ?? "")")
        }
        let missing = await parameterServerError {
            try await job.checkpoints.warmStart(tables, from: folder.file("nothing").path)
        }
        #expect(missing?.code == .checkpointInvalid)
        #expect(job.cluster.coordinator.map.tables.isEmpty)
        #expect(try await job.checkpoints.steps() == [])
        await job.cluster.stop()
    }

    @Test("a file that cannot be written leaves the one that is there")
    func refusedExport() async throws {
        try await SimulatedExport.run { reader, runtime in
            runtime.disk.setBytes(of: "/model.safetensors", to: [1, 2, 3])
            var faults = LogFaults()
            faults.capacity = 180
            runtime.disk.setFaults(faults)
            let error = await parameterServerError { try await reader.export(to: "/model.safetensors") }
            #expect(error?.code == .checkpointFailed)
            #expect(error?.message.contains("as it was") == true)
            #expect(runtime.disk.bytes(of: "/model.safetensors") == [1, 2, 3])
            #expect(runtime.disk.bytes(of: "/model.safetensors.new") == nil)
            runtime.disk.setFaults(LogFaults())
            try await reader.export(["bias"], to: "/model.safetensors")
            let bytes = try #require(runtime.disk.bytes(of: "/model.safetensors"))
            #expect(try Safetensors.decode(bytes).names == ["bias"])
        }
    }
}
