import Testing

@testable import ModelServing

struct JSONReaderTests {
    private func skip(_ text: String) throws(ServingError) {
        var reader = JSONReader(Array(text.utf8))
        _ = try reader.skip()
        try reader.end()
    }

    @Test(
        "what RFC 8259 allows is read",
        arguments: [
            "0", "null", " true\n", #""""#, "[]", "{}", "[1,[2,{}],\"x\"]", #"{"a":{"a":1},"b":[null,false]}"#,
            #""\"\\\/\b\f\n\r\t\u00e9\ud83e\udd8b""#,
        ])
    func allowed(text: String) throws {
        try skip(text)
    }

    @Test(
        "what it does not allow is refused with the byte where it is wrong",
        arguments: [
            ("", 0), ("xx", 0), ("nul", 3), ("[1,]", 3), ("[1 2]", 3), ("{\"a\" 1}", 5), ("{a:1}", 1), ("[1", 2),
            ("{\"a\":1,\"a\":2}", 10), ("\"\\x\"", 2), ("\"\\ud83e\"", 7), ("\"a\nb\"", 3), ("[NaN]", 1), ("[01]", 1),
            ("1 2", 2), ("\"open", 1), ("{\"a\":1,}", 7), ("[\u{FEFF}1]", 1), ("'a'", 0), ("tru", 3),
        ])
    func refused(text: String, byte: Int) {
        let error = #expect(throws: ServingError.self, "\(text)") { try skip(text) }
        #expect(error?.code == .malformedRequest)
        #expect(error?.message.hasSuffix("at byte \(byte)") == true, "\(error?.message ?? "")")
    }

    @Test("text that is not UTF-8 is refused")
    func encoding() {
        var reader = JSONReader([UInt8(ascii: "\""), 0xC3, UInt8(ascii: "\"")])
        #expect(throws: ServingError.self) { try reader.string() }
    }

    @Test("values that are nested deeper than the limit are refused, however deep they are")
    func depth() throws {
        try skip(String(repeating: "[", count: 32) + String(repeating: "]", count: 32))
        for depth in [33, 1_000_000] {
            #expect(throws: ServingError.self) { try skip(String(repeating: "[", count: depth)) }
            #expect(throws: ServingError.self) { try skip(String(repeating: "{\"a\":", count: depth)) }
        }
    }

    @Test("an object with more members than the limit is refused")
    func members() throws {
        func object(_ count: Int) -> String { "{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}" }
        try skip(object(1_024))
        let error = #expect(throws: ServingError.self) { try skip(object(1_025)) }
        #expect(error?.message.contains("more than 1024 members") == true)
    }

    @Test("escapes are decoded")
    func escapes() throws {
        var reader = JSONReader(Array(#""\"\\\/\b\f\n\r\t\u00e9\ud83e\udd8bé""#.utf8))
        #expect(try reader.string() == "\"\\/\u{8}\u{C}\n\r\té🦋é")
    }

    @Test("no cut and no change of a byte makes the reader trap")
    func mutations() {
        let text = Array(
            #"{"id":"a\u00e9","inputs":[{"name":"x","shape":[1,2],"data":[1.5e3,-0.25]}],"p":{"t":true}}"#.utf8)
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var state = seed
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        for length in 0..<text.count {
            var reader = JSONReader(Array(text[..<length]))
            #expect(throws: ServingError.self) { try reader.skip() }
        }
        for _ in 0..<20_000 {
            var changed = text
            for _ in 0...next() % 3 { changed[next() % changed.count] = UInt8(truncatingIfNeeded: next()) }
            var reader = JSONReader(changed)
            _ = try? reader.skip()
            _ = try? InferRequest(parsing: changed)
        }
    }
}
