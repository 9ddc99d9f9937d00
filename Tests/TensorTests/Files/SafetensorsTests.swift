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

    @Test("every element type is written, read, mapped and decoded, bit for bit")
    func everyType() throws {
        let tensors = try NamedTensors(
            DType.allCases.map { dtype in
                // All bits set, none, and some: NaNs with a payload among the floats.
                let bytes = (0..<6 * dtype.byteWidth).map { place in
                    dtype == .bool ? UInt8(place % 2) : [0xFF, 0x00, 0x7F, 0xC1, 0x80, 0x5A][place / dtype.byteWidth]
                }
                return ("\(dtype)", try unsafe AnyTensor(copying: bytes.span.bytes, shape: [2, 3], dtype: dtype))
            })
        #expect(tensors.count == 13)
        try withDirectory { directory in
            let path = directory + "/types.safetensors"
            try Safetensors.write(tensors, to: path)
            try expectEqual(Safetensors.read(path), tensors)
            try expectEqual(Safetensors.decode(Safetensors.encode(tensors)), tensors)
        }
    }

    @Test("each tensor of a written file lies in its mapping, aligned for its type")
    func mapping() throws {
        let tensors = try NamedTensors([
            ("flag", AnyTensor([true], shape: [1])), ("wide", AnyTensor([1, 2] as [Double], shape: [2])),
            ("half", AnyTensor([3] as [BFloat16], shape: [1])), ("word", AnyTensor([4] as [Int32], shape: [1])),
        ])
        let read = try withDirectory { directory in
            let path = directory + "/model.safetensors"
            try Safetensors.write(tensors, to: path)
            return try Safetensors.read(path)
        }
        // The file is gone by now; its bytes stay while a tensor shows them.
        try expectEqual(read, tensors)
        func address(_ name: String) throws -> Int {
            try read.tensor(named: name).withBytes { bytes in Int(bitPattern: bytes.baseAddress) }
        }
        let first = try address("wide")
        #expect(first % 8 == 0)
        #expect(try address("word") - first == 16)
        #expect(try address("half") - first == 20)
        #expect(try address("flag") - first == 22)
    }

    @Test("views of more than a piece are written as they read")
    func pieces() throws {
        let counting = try AnyTensor((0..<60).map { Int16($0) }, shape: [3, 1, 4, 5])
        for view in [
            counting, try counting.transposed([3, 1, 2, 0]), try counting.sliced(axis: 3, 0..<5, step: -2),
            try counting.sliced(axis: 0, 1..<1), try counting.element(1).broadcast(to: [7, 1, 4, 5]),
            try counting.transposed([1, 2, 0, 3]),
        ] {
            let expected = try view.scalars(as: Int16.self)
            for limit in [1, 2, 7, 10, 16, 50, 1_000] {
                var found: [UInt8] = []
                var most = 0
                try view.forEachPiece(ofAtMost: limit) { bytes throws(TensorError) in
                    most = max(most, bytes.count)
                    unsafe found.append(contentsOf: bytes)
                }
                let values = try unsafe AnyTensor(copying: found.span.bytes, shape: view.shape, dtype: .int16)
                #expect(try values.scalars(as: Int16.self) == expected, "\(view.shape) in pieces of \(limit)")
                // No two elements of the transposed one are neighbours: nothing more than a piece is packed at once.
                if view.shape == [5, 1, 4, 3] { #expect(most <= max(limit, 2), "pieces of \(limit)") }
            }
        }
    }

    @Test("a header that no reader takes is refused before a file is made")
    func header() throws {
        let tensors = try NamedTensors([("x", .scalar(Float(1)))])
        let needed = 72
        let metadata = ["k": "v"]
        #expect(try !Safetensors.encode(tensors, metadata: metadata, largestHeader: 200).isEmpty)
        expectError(.fileTooLarge, mentioning: "1 tensors and 1 metadata", "the limit is \(needed)") {
            _ = try Safetensors.encode(tensors, metadata: metadata, largestHeader: needed)
        }
    }

    @Test("a file that is shortened while it is mapped ends the process at the next touch, as documented")
    func truncation() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("shortened-\(UUID())").path
            let values = [Float](repeating: 1, count: 1 << 16)
            try Safetensors.write(NamedTensors([("x", AnyTensor(values, shape: [values.count]))]), to: path)
            let tensor = try Safetensors.read(path).tensor(named: "x")
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.truncate(atOffset: 100)
            try FileManager.default.removeItem(atPath: path)
            _ = try tensor.scalars(as: Float.self)
        }
    }
}
