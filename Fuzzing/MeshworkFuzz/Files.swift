import Coordination
import MeshWire
import Optimizers
import Tensor

@testable import ModelServing
@testable import ParameterServer

/// What comes as a file or as a request's text.
enum Files {
    static func safetensors(_ bytes: [UInt8]) {
        _ = try? Safetensors.decode(bytes, source: "fuzzer")
    }

    static func inferRequest(_ bytes: [UInt8]) {
        _ = try? InferRequest(parsing: bytes)
    }

    /// A checkpoint's manifest: one that is taken is written again as it was.
    static func manifest(_ bytes: [UInt8]) {
        guard let manifest = try? CheckpointManifest(bytes: bytes, path: "fuzzer") else { return }
        guard let again = try? CheckpointManifest(bytes: manifest.bytes, path: "fuzzer") else {
            fatalError("a manifest is not read as it was written")
        }
        precondition(again == manifest, "a manifest changed on the way")
    }

    /// A whole one, and one that names a table and ends.
    static func manifestSeeds() -> [[UInt8]] {
        guard
            let table = try? TableDeclaration(
                name: "w", shape: [2], initializer: .zeros, key: RandomKey(seed: 1),
                updateRule: .sgd(learningRate: 1), partitioning: .count(1))
        else { return [] }
        let file = CheckpointManifest.Partition(
            id: PartitionID(rawValue: 1), version: PartitionVersion(epoch: 1, applied: 2), counter: 2, byteCount: 9,
            checksum: 7,
            sessions: [.init(session: SessionID(high: 1, low: 2), slot: 0, applied: SequenceSet(through: 2))])
        let manifest = CheckpointManifest(
            job: "j", step: 3, mapVersion: 4, tables: [.init(declaration: table, partitions: [file])])
        return [manifest.bytes, Array(manifest.bytes.dropLast(30))]
    }

    static func safetensorsSeeds() -> [[UInt8]] {
        let header = Array(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}}"#.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return [length + header + [0, 0, 128, 63, 0, 0, 0, 64]]
    }

    static func inferRequestSeeds() -> [[UInt8]] {
        [
            #"{"id":"1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1.5,-2e3]}]}"#,
            #"{"inputs":[{"name":"x","shape":[2],"datatype":"INT64","data":[[1],[2]]}],"outputs":[{"name":"y"}]}"#,
        ].map { Array($0.utf8) }
    }
}
