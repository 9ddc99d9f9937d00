import Foundation
import Tensor
import Testing

@testable import TensorFiles

@Suite("npz files")
struct NumPyArchiveTests {
    @Test("what is written is read back, stored and deflated", arguments: [NumPyArchive.Compression.stored, .deflated])
    func roundTrip(compression: NumPyArchive.Compression) throws {
        let tensors = try Samples.all()
        let bytes = try NumPyArchive.encode(tensors, compression: compression)
        try expectSame(NumPyArchive.decode(bytes), tensors)
        try withDirectory { directory in
            let path = directory + "/all.npz"
            try NumPyArchive.write(tensors, to: path, compression: compression)
            try expectSame(NumPyArchive.read(path), tensors)
            #expect(try Array(Data(contentsOf: URL(filePath: path))) == bytes)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory) == ["all.npz"], "names are keys only")
        }
        try expectSame(NumPyArchive.decode(NumPyArchive.encode(NamedTensors())), NamedTensors())
    }

    @Test("a tensor larger than every buffer survives deflation, and shrinks")
    func large() throws {
        let tensor = try AnyTensor((0..<400_000).map { Int32($0 / 5) }, shape: [400, 1_000])
        let tensors = try NamedTensors([("straight", tensor), ("turned", tensor.transposed())])
        let bytes = try NumPyArchive.encode(tensors, compression: .deflated)
        #expect(bytes.count < tensors.byteCount / 2)
        try expectSame(NumPyArchive.decode(bytes), tensors)
    }

    @Test("64-bit sizes are read as they are written", arguments: [NumPyArchive.Compression.stored, .deflated])
    func wide(compression: NumPyArchive.Compression) throws {
        let tensors = try Samples.all()
        for wideFrom in [0, 100, 300, 4_000] as [UInt64] {
            let bytes = try NumPyArchive.encode(tensors, compression: compression, wideFrom: wideFrom)
            try expectSame(NumPyArchive.decode(bytes), tensors)
        }
    }

    @Test("a stored array that was written here is mapped and not copied")
    func mapping() throws {
        let tensors = try NamedTensors([
            ("a", AnyTensor([1, 2] as [Double], shape: [2])), ("b", AnyTensor([true], shape: [1])),
            ("c", AnyTensor([3, 4] as [Double], shape: [2])),
        ])
        let read = try withDirectory { directory in
            try NumPyArchive.write(tensors, to: directory + "/x.npz")
            return try NumPyArchive.read(directory + "/x.npz")
        }
        try expectSame(read, tensors)
        let bytes = try NumPyArchive.encode(tensors)
        let places = try bytes.withRawBytes { file throws(TensorError) in
            try unsafe ZipDirectory(of: file).members.map(\.place.lowerBound)
        }
        #expect(places.allSatisfy { $0 % 64 == 0 }, "\(places)")
        let addresses = read.map(\.tensor.address)
        #expect(addresses[2] - addresses[0] == places[2] - places[0], "both lie in one mapping")
        #expect(addresses[1] - addresses[0] == places[1] - places[0], "both lie in one mapping")
    }

    @Test("the same tensors make the same file")
    func repeatable() throws {
        let tensors = try Samples.all()
        let bytes = try NumPyArchive.encode(tensors, compression: .deflated)
        #expect(try NumPyArchive.encode(tensors, compression: .deflated) == bytes)
    }

    @Test("members that are no arrays are refused by name, or skipped")
    func unknownMembers() throws {
        let array = try NumPyArray.encode(.scalar(Float(7)))
        let bytes = ZipFixture(.init([1, 2], named: "readme.txt"), .init(array), .init([], named: "folder/")).bytes
        expectError(.fileMalformed, mentioning: "bytes: member \"readme.txt\"", "skipped by choice") {
            _ = try NumPyArchive.decode(bytes)
        }
        #expect(try NumPyArchive.decode(bytes, unknownMembers: .skipped).names == ["x"])
    }

    @Test("what deflated members become has a limit")
    func limit() throws {
        let tensors = try NamedTensors([("a", .zeros([1_000])), ("b", .zeros([1_000]))])
        let bytes = try NumPyArchive.encode(tensors, compression: .deflated)
        let needed = 2 * (4_000 + 128)
        try expectSame(NumPyArchive.decode(bytes, inflatedLimit: needed), tensors)
        expectError(.fileTooLarge, mentioning: "\"b.npy\" of 4128 bytes, after 4128", "limit of \(needed - 1)") {
            _ = try NumPyArchive.decode(bytes, inflatedLimit: needed - 1)
        }
        expectError(.fileTooLarge, mentioning: "\"a.npy\"") { _ = try NumPyArchive.decode(bytes, inflatedLimit: -1) }
        let stored = try NumPyArchive.encode(tensors)
        try expectSame(NumPyArchive.decode(stored, inflatedLimit: 0), tensors)
    }

    @Test("what cannot be written is refused, and nothing is left")
    func unwritable() throws {
        try withDirectory { directory in
            let path = directory + "/x.npz"
            let tensor = try AnyTensor.scalar(Float(1))
            expectError(.valuesUnknown, mentioning: "\"x\"") {
                try NumPyArchive.write(NamedTensors([("x", .abstract(shape: [1], dtype: .float32))]), to: path)
            }
            var gradients = NamedTensors()
            gradients[gradient: "x"] = .rowSparse(
                try RowSparse(indices: .zeros([1], dtype: .int64), values: .ones([1, 2]), rowCount: 3))
            expectError(.notDense, mentioning: "\"x\"", "toDense()") {
                try NumPyArchive.write(gradients, to: path)
            }
            for name in [String(repeating: "n", count: 65_532), "a\0b"] {
                expectError(.fileUnwritable, mentioning: "name") {
                    try NumPyArchive.write(NamedTensors([("fine", tensor), (name, tensor)]), to: path)
                }
            }
            expectError(.fileUnwritable, mentioning: "absent") {
                try NumPyArchive.write(NamedTensors([("x", tensor)]), to: directory + "/absent/x.npz")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
            let longest = String(repeating: "n", count: 65_531)
            try NumPyArchive.write(NamedTensors([(longest, tensor)]), to: path)
            #expect(try NumPyArchive.read(path).names == [longest])
        }
    }
}
