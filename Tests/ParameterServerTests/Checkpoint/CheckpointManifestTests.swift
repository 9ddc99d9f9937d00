import Coordination
import Identity
import MeshTransport
import MeshWire
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite struct CheckpointManifestTests {
    static func example() throws -> CheckpointManifest {
        var applied = SequenceSet(through: 4)
        applied.insert(.max)
        let partition = CheckpointManifest.Partition(
            id: PartitionID(rawValue: 3), version: PartitionVersion(epoch: 2, applied: .max), counter: -5,
            byteCount: 1 << 40, checksum: 0xAB,
            sessions: [.init(session: SessionID(high: .max, low: 1), slot: 2, applied: applied)])
        return CheckpointManifest(
            job: "a \"job\"", step: .max, mapVersion: 9,
            tables: [
                .init(
                    declaration: try Example.table("weight/1", shape: [3, 2], partitions: 2),
                    partitions: [partition, partition])
            ])
    }

    @Test("a manifest reads back as it was written, and is JSON that says its format, names, sizes and checksums")
    func roundTrip() throws {
        let manifest = try Self.example()
        #expect(try CheckpointManifest(bytes: manifest.bytes, path: "m") == manifest)
        let json = try JSONParser.parse(manifest.bytes, limits: JSONParser.Limits(bytes: 1 << 20, values: 1_000))
        #expect(json["format"]?.integer(Int.self) == 1)
        let table = try #require(json["tables"]?.array?.first)
        #expect(table["name"]?.string == "weight/1")
        let file = try #require(table["partitions"]?.array?.last)
        #expect(file["file"]?.string == "checkpoint-18446744073709551615-00000-00001-00002.safetensors")
        #expect(file["crc32c"]?.string == "000000ab")
    }

    @Test("whichever bit of a manifest flips, and wherever it ends, it is refused")
    func everyBit() throws {
        let bytes = try Self.example().bytes
        var taken: [Int] = []
        for place in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << UInt8(bit)
                if Self.isTaken(changed) { taken.append(place * 8 + bit) }
            }
            if Self.isTaken(Array(bytes[..<place])) { taken.append(place) }
        }
        #expect(taken == [])
        #expect(Self.isTaken(bytes))
    }

    private static func isTaken(_ bytes: [UInt8]) -> Bool {
        do throws(ParameterServerError) {
            _ = try CheckpointManifest(bytes: bytes, path: "m")
            return true
        } catch {
            #expect(error.code == .checkpointInvalid)
            return false
        }
    }

    @Test("settings name what is out of range")
    func settings() {
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: "")
        configuration.checkpoints?.bytesPerSecond = 10
        var asking = ParameterCheckpointsConfiguration()
        asking.kept = 0
        asking.timeout = .zero
        asking.callBytes = 0
        do throws(ParameterServerError) {
            try configuration.validate()
            Issue.record("taken")
        } catch {
            for name in ["checkpoints.folder", "checkpoints.bytesPerSecond"] { #expect(error.message.contains(name)) }
        }
        do throws(ParameterServerError) {
            try asking.validate()
            Issue.record("taken")
        } catch {
            for name in ["kept", "timeout", "callBytes"] { #expect(error.message.contains(name)) }
        }
    }
}
