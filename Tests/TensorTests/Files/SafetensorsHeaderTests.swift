import Tensor
import Testing

@Suite("Safetensors: headers that lie")
struct SafetensorsHeaderTests {
    /// A file with this header and as many bytes of data.
    private func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
        let text = Array(header.utf8)
        let length = length ?? UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text + [UInt8](repeating: 0, count: data)
    }

    private func x(_ offsets: String, shape: String = "[2]", dtype: String = "F32") -> String {
        #""x":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    @Test("each contradiction throws an error that names the file and the fault")
    func lies() {
        let y = #""y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}"#
        let cases: [(bytes: [UInt8], fault: String)] = [
            ([], "too few"),
            ([1, 2, 3], "too few"),
            (file("{}", length: 3), "header ends at byte 11"),
            (file("{}", length: .max), "exceeds the limit"),
            (file(" {}"), "does not begin with {"),
            (file("{}x"), "something follows"),
            (file("{}", data: 4), "4 bytes after the start of the data belong to no tensor"),
            (file("{\(x("[0,8]"))}", data: 4), "\"x\" ends at byte 8 of the data, which has 4"),
            (file("{\(x("[0,8]"))}", data: 12), "4 bytes after tensor \"x\" belong to no tensor"),
            (file("{\(x("[4,12]"))}", data: 12), "\"x\" leaves a gap of 4 bytes after the start"),
            (file("{\(x("[0,8]")),\(y)}", data: 11), "\"y\" ends at byte 12"),
            (file("{\(x("[0,12]", shape: "[3]")),\(y)}", data: 12), "\"y\" overlaps tensor \"x\""),
            (file("{\(x("[0,9]"))}", data: 9), "\"x\" is float32[2], 8 bytes, but its offsets 0..<9 hold 9"),
            (file("{\(x("[0,8]")),\(x("[0,8]"))}", data: 8), "\"x\" appears twice"),
            (file("{\(x("[8,0]"))}", data: 8), "not a start and an end"),
            (file("{\(x("[0]"))}", data: 8), "not a start and an end"),
            (file("{\(x("[0,-8]"))}", data: 8), "not negative"),
            (file("{\(x("[0,8.0]"))}", data: 8), "expected ]"),
            (file("{\(x("[0,08]"))}", data: 8), "not negative"),
            (file("{\(x("[0,99999999999999999999]"))}", data: 8), "63 bits"),
            (file("{\(x("[0,8]", shape: "[9223372036854775807,2]"))}", data: 8), "cannot be addressed"),
            (file("{\(x("[0,4]", shape: "[1,1,1,1,1,1,1,1,1]"))}", data: 4), "at most 8 axes"),
            (file(#"{"x":{"dtype":"F32","shape":[2]}}"#, data: 8), "lacks"),
            (file(#"{"x":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#), "\"dtype\" twice"),
            (file(#"{"x":{"kind":1}}"#), "unknown key \"kind\""),
            (file(#"{"x":[]}"#), "expected {"),
            (file(#"{"x":{"#), "expected \""),
            (file(#"{"x"#), "does not end"),
            (file(#"{"\ud800":{}}"#), "surrogate"),
            (file(#"{"\q":{}}"#), "unknown escape"),
            (file("{\"a\u{1}\":{}}"), "control character"),
            (file(#"{"__metadata__":{"a":1}}"#), "expected \""),
            (file(#"{"__metadata__":{"a":"1","a":"2"}}"#), "\"a\" appears twice"),
            (file(#"{"__metadata__":{},"__metadata__":{}}"#), "appears twice"),
            ([2, 0, 0, 0, 0, 0, 0, 0, UInt8(ascii: "{"), 0xFF], "expected \""),
            ([4, 0, 0, 0, 0, 0, 0, 0, UInt8(ascii: "{"), UInt8(ascii: "\""), 0xFF, UInt8(ascii: "\"")], "UTF-8"),
        ]
        for (bytes, fault) in cases {
            expectError(.fileMalformed, mentioning: "digits.safetensors", fault) {
                _ = try Safetensors.decode(bytes, source: "digits.safetensors")
            }
        }
    }

    @Test("an element type that is not supported is named with those that are")
    func types() {
        expectError(.dtypeUnsupported, mentioning: "digits", "\"x\"", "F8_E4M3", "F32, I32, BOOL, F64") {
            _ = try Safetensors.decode(file("{\(x("[0,4]", dtype: "F8_E4M3"))}", data: 4), source: "digits")
        }
    }

    @Test("a bool that is neither 0 nor 1 is an error with the tensor's name")
    func bools() {
        var bytes = file("{\(x("[0,2]", dtype: "BOOL"))}", data: 2)
        bytes[bytes.count - 1] = 7
        expectError(.fileMalformed, mentioning: "\"x\"", "byte 7") { _ = try Safetensors.decode(bytes) }
    }

    @Test("offsets in any order, space, escapes and data that is not aligned are read")
    func unusual() throws {
        let header = """
            { "b" : {"data_offsets":[0,1],"dtype":"BOOL","shape":[]} ,\t"\\u00e9\\ud83d\\ude00\\/" :
             {"shape":[ 1 , 1 ],"dtype":"F32","data_offsets":[1,5]}, "none":{"dtype":"I32","shape":[0],"data_offsets":[1,1]} }
            """
        var bytes = file(header, data: 5)
        bytes.replaceSubrange(bytes.count - 5..<bytes.count, with: [1, 0, 0, 0x80, 0x3F])
        let tensors = try Safetensors.decode(bytes)
        #expect(tensors.names == ["b", "é😀/", "none"])
        #expect(try tensors.tensor(named: "b").scalars(as: Bool.self) == [true])
        #expect(try tensors.tensor(named: "é😀/").scalars(as: Float.self) == [1])
        #expect(try tensors.tensor(named: "none").shape == [0])
    }

    @Test("no mutation of a sound file traps", arguments: 0..<4)
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sound = file("{\(x("[0,8]")),\"y\":{\"dtype\":\"BOOL\",\"shape\":[1,3],\"data_offsets\":[8,11]}}", data: 11)
        for _ in 0..<500 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            // Most mutations throw; one inside the data or a name reads. Either is fine, as long as it returns.
            if let tensors = try? Safetensors.decode(bytes) {
                #expect(tensors.byteCount < bytes.count, "seed \(seed)")
            }
        }
    }
}
