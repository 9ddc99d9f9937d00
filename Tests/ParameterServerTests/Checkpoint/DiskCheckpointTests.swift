import Coordination
import Foundation
import MeshTransport
import MeshWire
import Optimizers
import Synchronization
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Checkpoints on the system's disk.
@Suite(.timeLimit(.minutes(5))) struct DiskCheckpointTests {
    @Test("pushes to a partition of 64 MiB go on while it is written, and what is written is of one moment")
    func pushesGoOn() async throws {
        let folder = try TemporaryFolder()
        // Eight seconds of writing.
        let job = try await DiskJob(in: folder, bytesPerSecond: 8 << 20)
        let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
        let elements = 16 << 20
        let table = try Example.table("large", shape: [elements])
        try await client.declare([table])
        _ = try await client.pull()
        let gradients = try NamedTensors([("large", .full([elements], Float(1)))])
        #expect(try await client.push(gradients).failed.isEmpty)
        let isWritten = Flag()
        let (manifest, pushes) = try await withThrowingTaskGroup(of: (CheckpointManifest?, Int).self) {
            group -> (CheckpointManifest?, Int) in
            group.addTask {
                defer { isWritten.raise() }
                return (try await job.checkpoints.write(step: 1), 0)
            }
            group.addTask {
                var pushes = 0
                while !isWritten.isRaised {
                    let report = try await client.push(gradients)
                    #expect(report.failed.isEmpty)
                    // One that ends after the manifest was not between the two.
                    if !isWritten.isRaised { pushes += 1 }
                }
                return (nil, pushes)
            }
            return try await group.reduce((nil, 0)) { ($0.0 ?? $1.0, $0.1 + $1.1) }
        }
        let file = try #require(manifest?.files.first)
        // Each push takes a third of a second alone, and some more on a busy machine; the first of them copies the
        // partition.
        #expect(pushes >= 2, "\(pushes) pushes while the checkpoint was written")
        let snapshot = try await CheckpointFolder(job.checkpointPath, on: SystemRuntime.shared).read(file, step: 1)
        let expected = -Float(file.entry.version.applied)
        #expect(try snapshot.parameters.scalars(as: Float.self).allSatisfy { $0 == expected })
        #expect(try await job.cluster.applied()[0] > file.entry.version.applied)
        client.close()
        job.checkpoints.close()
        await job.cluster.stop()
    }

    @Test("other programs read a partition's file, and a folder that may not be written to is refused by name")
    func plainFiles() async throws {
        let folder = try TemporaryFolder()
        let job = try await DiskJob(in: folder)
        let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
        try await client.declare(CheckpointJob.tables())
        _ = try await client.pull()
        try await client.train(1...2)
        try await job.checkpoints.write(step: 2)
        let path = "\(job.checkpointPath)/\(CheckpointFolder.fileName(step: 2, table: 0, partition: 1, epoch: 1))"
        #expect(try Safetensors.read(path).names.sorted() == ["firstMoment", "parameters", "secondMoment"])
        #expect(try Safetensors.metadata(of: path)["version"] == "1.2")

        // A file is in the folder's place: whoever the tests run as may not write below it.
        let checkpoints = try ParameterCheckpoints(
            job.cluster.coordination(job.cluster.mesh("/operator")), job: "job", folder: path)
        let error = await parameterServerError { try await checkpoints.write(step: 3) }
        #expect(error?.code == .checkpointFailed)
        #expect(error?.message.contains(path) == true, "\(error?.message ?? "")")
        try await job.checkpoints.verify(step: 2)
        client.close()
        job.checkpoints.close()
        await job.cluster.stop()
    }
}

/// Something that has happened.
private final class Flag: Sendable {
    private let state = Atomic(false)

    var isRaised: Bool { state.load(ordering: .relaxed) }

    func raise() { state.store(true, ordering: .relaxed) }
}
