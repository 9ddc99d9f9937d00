import Foundation
import Tensor
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
    private func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("safetensors-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        return try body(directory)
    }

    private func sample() throws -> NamedTensors {
        try NamedTensors([
            ("mask", AnyTensor([true, false, true], shape: [3])),
            ("hidden/weight", AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]).transposed()),
            ("labels", AnyTensor([-1, Int32.max], shape: [2, 1])),
            ("scalar \"quoted\" \u{1}é", .scalar(Float(0.5))),
            ("none", .zeros([0, 4])),
        ])
    }

    private func expectEqual(_ found: NamedTensors, _ expected: NamedTensors) throws {
        #expect(found.names == expected.names)
        for (name, tensor) in expected {
            let other = try found.tensor(named: name)
            #expect(other.dtype == tensor.dtype && other.shape == tensor.shape)
            let bytes = tensor.withBytes { bytes in unsafe Array(bytes) }
            #expect(other.withBytes { other in unsafe Array(other) } == bytes, "\(name)")
        }
    }

    @Test("what is written is read back, with names in order and metadata")
    func roundTrip() throws {
        try withDirectory { directory in
            let path = directory + "/model.safetensors"
            try Safetensors.write(sample(), metadata: ["epoch": "12", "é\n": "\\"], to: path)
            try expectEqual(Safetensors.read(path), sample())
            #expect(try Safetensors.metadata(of: path) == ["epoch": "12", "é\n": "\\"])
            let encoded = try Safetensors.encode(sample(), metadata: ["epoch": "12", "é\n": "\\"])
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(encoded))
            try expectEqual(Safetensors.decode(encoded), sample())
        }
    }

    @Test("the header is the format's, padded so that elements are aligned, wider ones first")
    func bytes() throws {
        let tensors = try NamedTensors([
            ("b", AnyTensor([true], shape: [1])), ("f", AnyTensor([1.5] as [Float], shape: [1])),
        ])
        let bytes = try Safetensors.encode(tensors)
        let header =
            #"{"b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]},"#
            + #""f":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        let length = Int(bytes[0]) + Int(bytes[1]) << 8
        #expect(length % 8 == 0)
        #expect(bytes[2..<8].allSatisfy { $0 == 0 })
        #expect(String(decoding: bytes[8..<8 + length], as: UTF8.self).trimmingCharacters(in: .whitespaces) == header)
        #expect(Array(bytes[(8 + length)...]) == [0, 0, 0xC0, 0x3F, 1])
    }

    @Test("a file takes the place of the old one whole, and a mapping keeps showing the old one")
    func replacement() throws {
        try withDirectory { directory in
            let path = directory + "/model.safetensors"
            try Safetensors.write(NamedTensors([("x", AnyTensor([1, 2] as [Float], shape: [2]))]), to: path)
            let old = try Safetensors.read(path)
            try Safetensors.write(NamedTensors([("x", AnyTensor([3] as [Float], shape: [1]))]), to: path)
            #expect(try old.tensor(named: "x").scalars(as: Float.self) == [1, 2])
            #expect(try Safetensors.read(path).tensor(named: "x").scalars(as: Float.self) == [3])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["model.safetensors"])
        }
    }

    @Test("a mapped tensor is not written in place")
    func readOnly() throws {
        try withDirectory { directory in
            let path = directory + "/model.safetensors"
            try Safetensors.write(NamedTensors([("x", AnyTensor([1, 2] as [Float], shape: [2]))]), to: path)
            var tensor = try Safetensors.read(path).tensor(named: "x")
            try tensor.accumulate(.full([2], Float(1)))
            #expect(try tensor.scalars(as: Float.self) == [2, 3])
            #expect(try Safetensors.read(path).tensor(named: "x").scalars(as: Float.self) == [1, 2])
        }
    }

    @Test("a file that is not there, not a file, or cannot be made is an error with its path")
    func paths() throws {
        try withDirectory { directory in
            expectError(.fileUnreadable, mentioning: "missing.safetensors", "No such file") {
                _ = try Safetensors.read(directory + "/missing.safetensors")
            }
            expectError(.fileUnreadable, mentioning: directory, "not a regular file") {
                _ = try Safetensors.read(directory)
            }
            expectError(.fileUnwritable, mentioning: "absent/model", "No such file") {
                try Safetensors.write(NamedTensors(), to: directory + "/absent/model")
            }
            expectError(.fileUnwritable, mentioning: directory) { try Safetensors.write(NamedTensors(), to: directory) }
            let left = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(left == [], "nothing half-written remains")
        }
    }

    @Test("what cannot be written is refused before a file is made")
    func unwritable() throws {
        expectError(.valuesUnknown, mentioning: "\"x\"") {
            _ = try Safetensors.encode(NamedTensors([("x", .abstract(shape: [1], dtype: .float32))]))
        }
        expectError(.duplicateName, mentioning: "__metadata__") {
            _ = try Safetensors.encode(NamedTensors([("__metadata__", .scalar(Float(1)))]))
        }
    }
}
