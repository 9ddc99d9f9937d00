import Tensor
import TensorFiles
import Testing

@Suite("npy files: heads that lie")
struct NumPyHeadTests {
    private func file(_ literal: String, _ elements: Int = 0, version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
        NumPyArrayTests.file(literal, [UInt8](repeating: 0, count: elements), version: version, length: length)
    }

    private func x(_ type: String = "'<f4'", order: String = "False", shape: String = "(2,)") -> String {
        NumPyArrayTests.head(type, order: order, shape: shape)
    }

    @Test("each contradiction throws an error that names the file and the fault")
    func lies() {
        var wrongMagic = file(x(), 8)
        wrongMagic[0] = 0x92
        var wrongVersion = file(x(), 8)
        wrongVersion[6] = 4
        var wrongMinor = file(x(), 8)
        wrongMinor[7] = 1
        let cases: [(bytes: [UInt8], fault: String)] = [
            ([], "0 bytes are too few"),
            (Array(file(x()).prefix(11)), "11 bytes are too few"),
            (wrongMagic, "does not begin with"),
            (wrongVersion, "version 4.0"),
            (wrongMinor, "version 1.1"),
            (file(x(), length: 4_000), "the head ends at byte 4010"),
            (file(x(), version: 2, length: 1 << 31), "exceeds the limit of 65535"),
            (file(x(), 7), "float32[2] takes 8 bytes; 7 follow the head"),
            (file(x(), 9), "9 follow the head"),
            (file(x(shape: "(9223372036854775807, 2)")), "the shape is"),
            (file(x(shape: "(1152921504606846976,)")), "the shape is"),
            (file(x(shape: "(9223372036854775808,)")), "63 bits"),
            (file(x(shape: "(100000000000,)"), 8), "takes 400000000000 bytes; 8 follow"),
            (file(x(shape: "(-1,)")), "the shape is [-1]"),
            (file(x(shape: "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 4), "at most 8 axes"),
            (file(x(shape: "(2.0,)"), 8), "expected )"),
            (file(x(shape: "(2)"), 8), "\"shape\" that is unknown or of another type"),
            (file(x(shape: "('2',)"), 8), "the shape holds what is no integer"),
            (file(x(shape: "(02,)"), 8), "begins with 0"),
            (file(x(order: "0"), 8), "\"fortran_order\" that is unknown or of another type"),
            (file(x(order: "None"), 8), "\"fortran_order\" that is unknown or of another type"),
            (file(x(order: "true"), 8), "expected a string, a number"),
            (file(x("4"), 8), "neither a string nor a list"),
            (file(x("''"), 8), "does not begin with an order"),
            (file(x("'f4'"), 8), "does not begin with an order"),
            (file(x("'=f4'"), 8), "does not tell the order"),
            (file(x("'|f4'"), 8), "does not tell the order"),
            (file("[]"), "no dictionary"),
            (file("{}"), "lacks descr"),
            (file("{'descr': '<f4', 'shape': (2,)}", 8), "lacks"),
            (file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8), "a key twice"),
            (file("{'kind': 1}"), "\"kind\" that is unknown"),
            (file("{1: 1}"), "a key that is no string"),
            (file(x() + "x", 8), "something follows"),
            (file("{'descr': __import__('os').system('true')}"), "head, byte 20: expected a string"),
            (file("{'descr': '<f' + '4'}"), "expected }"),
            (file("{'descr': '<f\\x344'}"), "an escape"),
            (file("{'descr': '<f4"), "does not end"),
            (file(String(repeating: "[", count: 1_000)), "nested too deeply"),
            (file("{'descr': -}"), "expected digits"),
            (file("   "), "expected a value"),
        ]
        for (bytes, fault) in cases {
            expectError(.fileMalformed, mentioning: "weights.npy", fault) {
                _ = try NumPyArray.decode(bytes, source: "weights.npy")
            }
        }
    }

    @Test(
        "an element type that tensors do not have is refused by its name, and says what it is",
        arguments: [
            ("'|O'", "Python objects"), ("'<U5'", "strings"), ("'|S5'", "strings"), ("'<c8'", "complex"),
            ("'<M8[ns]'", "dates"), ("'<m8[s]'", "dates"), ("'|V8'", "without a meaning"), ("'<f16'", "another width"),
            ("'<i3'", "'<i3'; supported are '<f4'"),
        ])
    func types(type: String, meaning: String) {
        expectError(.dtypeUnsupported, mentioning: "weights", type, meaning) {
            _ = try NumPyArray.decode(file(x(type), 8), source: "weights")
        }
    }

    @Test("a structured type is refused with the names of its fields")
    func structures() {
        let type = "[('position', '<f4', (3,)), ('id', '<i8'), ('nested', [('a', '|u1')])]"
        expectError(.dtypeUnsupported, mentioning: "'position' ('<f4'), 'id' ('<i8'), 'nested' (a structure)") {
            _ = try NumPyArray.decode(file(x(type), 8))
        }
    }

    @Test("a bool that is neither 0 nor 1 is an error")
    func bools() {
        let bytes = NumPyArrayTests.file(x("'|b1'"), [1, 2])
        expectError(.fileMalformed, mentioning: "byte 2") { _ = try NumPyArray.decode(bytes) }
    }

    @Test("no mutation of a sound file traps", arguments: 0..<4)
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sound = [
            NumPyArrayTests.file(x("'>i2'", order: "True", shape: "(2, 2)"), [1, 2, 3, 4, 5, 6, 7, 8]),
            NumPyArrayTests.file(x("[('a', '<f4')]"), [1, 2, 3, 4], version: 3),
        ]
        for index in 0..<600 {
            var bytes = sound[index % 2]
            bytes.mutate(using: &generator)
            if let tensor = try? NumPyArray.decode(bytes) {
                #expect(tensor.byteCount < bytes.count, "seed \(seed)")
            }
        }
    }
}
