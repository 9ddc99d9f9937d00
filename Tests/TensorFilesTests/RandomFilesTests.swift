import Foundation
import Tensor
import TensorFiles
import Testing

@Suite("files of random tensors")
struct RandomFilesTests {
    /// A tensor of any type and of up to four axes, by chance empty, transposed, sliced and repeated.
    private func tensor(using generator: inout SeededGenerator) throws -> AnyTensor {
        let dtype = DType.allCases.randomElement(using: &generator)!
        let shape = (0..<Int.random(in: 0...4, using: &generator)).map { _ in Int.random(in: 0...6, using: &generator) }
        let count = shape.reduce(1, *) * dtype.byteWidth
        let largest: UInt8 = dtype == .bool ? 1 : 255
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...largest, using: &generator) }
        var tensor = try unsafe AnyTensor(copying: bytes.span.bytes, shape: Shape(shape), dtype: dtype)
        if Bool.random(using: &generator) {
            tensor = try tensor.transposed(Array(shape.indices).shuffled(using: &generator))
        }
        if let axis = shape.indices.randomElement(using: &generator), tensor.shape[axis] > 0 {
            let step = [-2, -1, 1, 2, 3].randomElement(using: &generator)!
            let start = Int.random(in: 0..<tensor.shape[axis], using: &generator)
            tensor = try tensor.sliced(axis: axis, start..<tensor.shape[axis], step: step)
        }
        if Bool.random(using: &generator) { tensor = try tensor.broadcast(to: Shape([2] + tensor.shape)) }
        return tensor
    }

    @Test("every format gives back what it was given", arguments: 0..<8)
    func roundTrips(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            let pairs = try (0..<Int.random(in: 0...5, using: &generator)).map { place in
                ("\(UInt8.random(in: 0...255, using: &generator))/\(place)", try tensor(using: &generator))
            }
            let tensors = try NamedTensors(pairs)
            try expectSame(Safetensors.decode(Safetensors.encode(tensors)), tensors)
            for compression in [NumPyArchive.Compression.stored, .deflated] {
                let wideFrom = UInt64.random(in: 0...600, using: &generator)
                let bytes = try NumPyArchive.encode(tensors, compression: compression, wideFrom: wideFrom)
                try expectSame(NumPyArchive.decode(bytes), tensors)
            }
            for (name, tensor) in tensors {
                expectSame(try NumPyArray.decode(NumPyArray.encode(tensor)), tensor, "seed \(seed), \(name)")
            }
        }
    }

    @Test("no part of a file is a file", arguments: 0..<2)
    func parts(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let tensors = try NamedTensors([("x", .full([3, 2], Int16(7))), ("y", .full([5], Double(0.5)))])
        let archives = try [NumPyArchive.Compression.stored, .deflated].map {
            try NumPyArchive.encode(tensors, compression: $0)
        }
        let array = try NumPyArray.encode(tensors[0].tensor)
        let safetensors = try Safetensors.encode(tensors)
        for _ in 0..<100 {
            for archive in archives {
                let count = Int.random(in: 0..<archive.count, using: &generator)
                expectError(.fileMalformed, mentioning: "bytes") {
                    _ = try NumPyArchive.decode(Array(archive.prefix(count)))
                }
            }
            let count = Int.random(in: 0..<array.count, using: &generator)
            expectError(.fileMalformed, mentioning: "bytes") { _ = try NumPyArray.decode(Array(array.prefix(count))) }
            let part = Array(safetensors.prefix(Int.random(in: 0..<safetensors.count, using: &generator)))
            expectError(.fileMalformed, mentioning: "bytes") { _ = try Safetensors.decode(part) }
        }
    }

    #if os(Linux)
        @Test(
            "a file that is refused stays neither mapped nor open, and one that is read only as long as a tensor shows it"
        )
        func release() throws {
            /// Whether the process has the file mapped or open.
            func isHeld(_ path: String) throws -> Bool {
                // Not by its size, which is told as 0.
                let maps = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps")).readToEnd() ?? Data()
                let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
                return String(decoding: maps, as: UTF8.self).contains(path)
                    || descriptors.contains {
                        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
                    }
            }
            let tensors = try NamedTensors([("x", .full([100], Float(7)))])
            try withDirectory { directory in
                let files: [(name: String, bytes: [UInt8], read: (String) throws -> AnyTensor)] = [
                    ("x.npy", try NumPyArray.encode(tensors[0].tensor), { try NumPyArray.read($0) }),
                    ("x.npz", try NumPyArchive.encode(tensors), { try NumPyArchive.read($0).tensor(named: "x") }),
                    ("x.safetensors", try Safetensors.encode(tensors), { try Safetensors.read($0).tensor(named: "x") }),
                ]
                for (name, bytes, read) in files {
                    let path = "\(directory)/\(name)"
                    try Data(bytes.dropLast(5)).write(to: URL(filePath: path))
                    expectError(.fileMalformed, mentioning: path) { _ = try read(path) }
                    #expect(try !isHeld(path), "\(name)")
                    try Data(bytes).write(to: URL(filePath: path))
                    var tensor: AnyTensor? = try read(path)
                    #expect(try isHeld(path), "\(name)")
                    #expect(try tensor?.scalars(as: Float.self).last == 7)
                    tensor = nil
                    #expect(try !isHeld(path), "\(name)")
                }
            }
        }
    #endif
}
