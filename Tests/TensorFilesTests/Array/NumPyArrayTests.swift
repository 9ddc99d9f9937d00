import Foundation
import Tensor
import TensorFiles
import Testing

@Suite("npy files")
struct NumPyArrayTests {
    /// A file with this head and these elements.
    static func file(_ literal: String, _ elements: [UInt8] = [], version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
        let text = Array(literal.utf8)
        let width = version == 1 ? 2 : 4
        let length = (0..<width).map { UInt8(truncatingIfNeeded: (length ?? text.count) >> (8 * $0)) }
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + elements
    }

    static func head(_ type: String, order: String = "False", shape: String) -> String {
        "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape), }"
    }

    @Test("what is written is read back, of every type and layout")
    func roundTrip() throws {
        for (name, tensor) in try Samples.all() {
            let bytes = try NumPyArray.encode(tensor)
            expectSame(try NumPyArray.decode(bytes), tensor, name)
            let text = try withDirectory { directory in
                try NumPyArray.write(tensor, to: directory + "/x.npy")
                expectSame(try NumPyArray.read(directory + "/x.npy"), tensor, name)
                return try Data(contentsOf: URL(filePath: directory + "/x.npy"))
            }
            #expect(Array(text) == bytes, "\(name)")
        }
    }

    @Test("the bytes are NumPy's own")
    func bytes() throws {
        let literal = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }"
        let padded = literal + String(repeating: " ", count: 128 - 11 - literal.utf8.count) + "\n"
        let bytes = try NumPyArray.encode(AnyTensor([1, -2] as [Int32], shape: [2]))
        #expect(bytes == Self.file(padded, [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF]))
    }

    @Test(
        "versions 2 and 3, space, either quote, lists, long integers and keys in any order are read", arguments: [2, 3])
    func variants(version: UInt8) throws {
        let literals = [
            Self.head("'<i2'", shape: "(2, 1)"),
            #" { "shape" : ( 2L , 1L ) , "descr":"<i2" ,"fortran_order" :False}"#,
            "{'shape': [2, 1], 'fortran_order': False, 'descr': '<i2'}\n",
        ]
        for literal in literals {
            let tensor = try NumPyArray.decode(Self.file(literal, [1, 0, 0xFF, 0xFF], version: version))
            expectSame(tensor, try AnyTensor([1, -1] as [Int16], shape: [2, 1]), literal)
        }
    }

    @Test("column-major and big-endian elements are put in order")
    func orders() throws {
        let expected = try AnyTensor([1, 2, 3, 4, 5, 6] as [UInt16], shape: [2, 3])
        let big: [UInt8] = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]
        expectSame(try NumPyArray.decode(Self.file(Self.head("'>u2'", shape: "(2, 3)"), big)), expected)
        let columns: [UInt8] = [1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0]
        expectSame(
            try NumPyArray.decode(Self.file(Self.head("'<u2'", order: "True", shape: "(2, 3)"), columns)), expected)
        let both: [UInt8] = [0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]
        expectSame(try NumPyArray.decode(Self.file(Self.head("'>u2'", order: "True", shape: "(2, 3)"), both)), expected)
        for width in [4, 8] {
            let one = [UInt8](repeating: 0, count: width - 1) + [1]
            let tensor = try NumPyArray.decode(Self.file(Self.head("'>i\(width)'", shape: "()"), one))
            #expect(tensor.withBytes { bytes in unsafe Array(bytes) } == one.reversed())
        }
        // A byte has no order, whatever is said of it.
        let byte = try NumPyArray.decode(Self.file(Self.head("'>u1'", shape: "(1,)"), [7]))
        #expect(try byte.scalars(as: UInt8.self) == [7])
    }

    @Test("a bfloat16 is two bytes without a meaning, in any spelling")
    func bfloat16() throws {
        for (type, bytes) in [("<V2", [0xC0, 0x3F]), ("|V2", [0xC0, 0x3F]), (">V2", [0x3F, 0xC0])]
            as [(String, [UInt8])]
        {
            let tensor = try NumPyArray.decode(Self.file(Self.head("'\(type)'", shape: "(1,)"), bytes))
            #expect(try tensor.scalars(as: BFloat16.self) == [1.5], "\(type)")
        }
    }

    @Test("a mapped file is not copied, in either order, and stays when it is removed")
    func mapping() throws {
        for order in ["False", "True"] {
            let literal = Self.head("'<f4'", order: order, shape: "(2, 3)")
            let padded = literal + String(repeating: " ", count: 128 - 10 - literal.utf8.count)
            let elements = (0..<6).flatMap { ZipFixture.bytes(Float($0).bitPattern) }
            let tensor = try withDirectory { directory in
                try Data(Self.file(padded, elements)).write(to: URL(filePath: directory + "/x.npy"))
                return try NumPyArray.read(directory + "/x.npy")
            }
            let stored = order == "True" ? try tensor.transposed() : tensor
            #expect(stored.isContiguous)
            #expect(stored.address % 4_096 == 128, "elements lie in the mapped page, behind the head")
            #expect(try stored.scalars(as: Float.self) == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test("a file that is not there, not a file, empty or cannot be made is an error with its path")
    func paths() throws {
        try withDirectory { directory in
            expectError(.fileUnreadable, mentioning: "missing.npy") {
                _ = try NumPyArray.read(directory + "/missing.npy")
            }
            expectError(.fileUnreadable, mentioning: "regular file") { _ = try NumPyArray.read(directory) }
            try Data().write(to: URL(filePath: directory + "/empty.npy"))
            expectError(.fileMalformed, mentioning: "empty.npy", "0 bytes") {
                _ = try NumPyArray.read(directory + "/empty.npy")
            }
            expectError(.fileUnwritable, mentioning: "absent/x.npy") {
                try NumPyArray.write(.scalar(Float(1)), to: directory + "/absent/x.npy")
            }
            expectError(.valuesUnknown, mentioning: "abstract") {
                try NumPyArray.write(.abstract(shape: [1], dtype: .float32), to: directory + "/abstract.npy")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["empty.npy"])
        }
    }
}
