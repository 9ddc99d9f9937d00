import Testing

@testable import MeshHTTP

struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        body(&json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test("members and elements are separated by commas at every depth")
    func separators() {
        let text = written { json in
            json.object { json in
                json.member("a") { $0.array { _ in } }
                json.member("b") { json in
                    json.array { json in
                        json.integer(1)
                        json.array { json in
                            json.bool(true)
                            json.bool(false)
                        }
                        json.object { _ in }
                        json.string("x")
                    }
                }
                json.member("c") { $0.integer(-2) }
            }
        }
        #expect(text == #"{"a":[],"b":[1,[true,false],{},"x"],"c":-2}"#)
    }

    @Test("quotes, backslashes and control characters are escaped, other text is not")
    func escapes() {
        let text = written { $0.string("a\"b\\c\n\r\t\u{1}\u{1F}é🦋") }
        #expect(text == #""a\"b\\c\n\r\t\u0001\u001fé🦋""#)
    }

    @Test(
        "floats are written so that they read back the same",
        arguments: [0, -0.0, 1, 0.1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1 / 3, 1e20] as [Float])
    func floats(value: Float) throws {
        let text = written { json in json.number(value) }
        let read = try #require(Float(text))
        #expect(read.bitPattern == value.bitPattern)
    }
}
