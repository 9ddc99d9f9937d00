import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// Checkpoints that are not what was written: refused with the file and the reason, and the job is as it was.
@Suite struct CheckpointDamageTests {
    private static let stem = "\(CheckpointJob.folder)/checkpoint-00000000000000000002"
    private static let manifest = "\(stem).json"
    private static let file = "\(stem)-00000-00001-00001.safetensors"

    /// What happens to a folder, and what is said of it.
    struct Accident: Sendable, CustomTestStringConvertible {
        var name: String
        var says: [String]
        var happen: @Sendable (SimulatedLogs) async throws -> Void
        var testDescription: String { name }
    }

    static let accidents = [
        Accident(name: "a missing file", says: [file, "missing"]) { try await $0.remove(file) },
        Accident(name: "an extra file", says: ["-00007-00000", "mixture"]) {
            $0.setBytes(of: "\(stem)-00007-00000.safetensors", to: [1])
        },
        Accident(name: "a truncated file", says: [file, "was written with"]) {
            $0.setBytes(of: file, to: Array(try #require($0.bytes(of: file)).dropLast()))
        },
        Accident(name: "a longer file", says: [file, "was written with"]) {
            $0.setBytes(of: file, to: try #require($0.bytes(of: file)) + [0])
        },
        Accident(name: "a bit of a file", says: [file, "CRC32C"]) { disk in
            #expect(disk.flipBit(in: file) != nil)
        },
        Accident(name: "a file of another partition", says: [file]) { disk in
            disk.setBytes(of: file, to: try #require(disk.bytes(of: "\(stem)-00000-00002-00001.safetensors")))
        },
        Accident(name: "no manifest", says: [manifest, "missing"]) { try await $0.remove(manifest) },
        Accident(name: "a truncated manifest", says: [manifest, "byte"]) {
            $0.setBytes(of: manifest, to: Array(try #require($0.bytes(of: manifest)).dropLast(40)))
        },
        Accident(name: "an empty manifest", says: [manifest, "byte 0"]) { $0.setBytes(of: manifest, to: []) },
        Accident(name: "a manifest of a newer format", says: [manifest, "format 2", "reads format 1"]) {
            let text = String(decoding: try #require($0.bytes(of: manifest)), as: UTF8.self)
            $0.setBytes(of: manifest, to: Array(text.replacing("\"format\":1", with: "\"format\":2").utf8))
        },
        Accident(name: "a manifest with another number", says: [manifest, "crc32c"]) {
            let text = String(decoding: try #require($0.bytes(of: manifest)), as: UTF8.self)
            $0.setBytes(of: manifest, to: Array(text.replacing("\"applied\":2", with: "\"applied\":3").utf8))
        },
        Accident(name: "a manifest under another step", says: ["00003.json", "step"]) {
            $0.setBytes(
                of: "\(CheckpointJob.folder)/checkpoint-00000000000000000003.json",
                to: try #require($0.bytes(of: manifest)))
            try await $0.remove(manifest)
        },
    ]

    @Test("what is not as it was written is refused by its name and changes nothing", arguments: accidents)
    func accident(_ accident: Accident) async throws {
        try await SimulatedRuntime.run(seed: 51) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2)
            let worker = try await job.worker()
            try await worker.train(1...2)
            try await job.checkpoints.write(step: 2)
            try await worker.train(3...4)
            let before = try CheckpointJob.bits(try await worker.pull())
            try await accident.happen(runtime.disk)
            let step = try await job.checkpoints.steps().last ?? 2
            let refusals = [
                await parameterServerError { _ = try await job.checkpoints.restore(step: step) },
                await parameterServerError { try await job.checkpoints.verify(step: step) },
            ]
            for error in refusals {
                #expect(error?.code == .checkpointInvalid, "\(error?.description ?? "taken")")
                for word in accident.says {
                    #expect(error?.message.contains(word) == true, "\(word): \(error?.message ?? "")")
                }
            }
            #expect(try CheckpointJob.bits(try await worker.pull()) == before)
            try await worker.train(5...5)
            #expect(try await job.cluster.applied() == [5, 5, 5, 5])
            #expect(job.cluster.coordinator.map.tables.flatMap(\.partitions).allSatisfy { $0.epoch == 1 })
        }
    }

    @Test("a checkpoint of another job, or of a table that is declared otherwise, is refused")
    func others() async throws {
        try await SimulatedRuntime.run(seed: 52) { runtime in
            let job = try await CheckpointJob(runtime)
            try await job.worker().train(1...2)
            try await job.checkpoints.write(step: 2)

            let other = try await CheckpointJob(runtime, named: "other")
            let wrongJob = await parameterServerError { _ = try await other.checkpoints.restore() }
            #expect(wrongJob?.code == .checkpointInvalid)
            #expect(wrongJob?.message.contains("of job job, this is other") == true, "\(wrongJob?.message ?? "")")

            let changed = try await CheckpointJob(runtime)
            let coordination = try changed.cluster.coordination(changed.cluster.mesh("/worker/0"))
            _ = try await coordination.declare([try Example.table("bias", shape: [5]).request])
            let conflict = await parameterServerError { _ = try await changed.checkpoints.restore() }
            #expect(conflict?.code == .checkpointInvalid)
            #expect(conflict?.message.contains("bias") == true)
            // All tables of a checkpoint are declared, or none.
            #expect(changed.cluster.coordinator.map.tables.map(\.name) == ["bias"])
        }
    }

    @Test("a folder without a checkpoint says so")
    func empty() async throws {
        try await SimulatedRuntime.run(seed: 53) { runtime in
            let job = try await CheckpointJob(runtime)
            let error = await parameterServerError { _ = try await job.checkpoints.restore() }
            #expect(error?.code == .checkpointFailed)
            #expect(error?.message.contains("no checkpoint") == true)
        }
    }
}
