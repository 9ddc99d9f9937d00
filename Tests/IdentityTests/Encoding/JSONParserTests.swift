import Testing

@testable import Identity

@Suite struct JSONParserTests {
    @Test(
        "what RFC 8259 allows is read",
        arguments: [
            (#" [ 1 , 2 ] "#, .array([.number("1"), .number("2")])), ("\t\r\n0", .number("0")), ("-0", .number("-0")),
            ("1e5", .number("1e5")), ("1.25E-7", .number("1.25E-7")), (#""""#, .string("")),
            (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")), (#""\u0041\u00e9""#, .string("Aé")),
            (#""\uD83D\uDE00""#, .string("\u{1F600}")), ("{}", .object([])), ("[]", .array([])),
            (#"{"":null}"#, .object([JSON.Member("", .null)])), ("true", .bool(true)), ("false", .bool(false)),
        ] as [(String, JSON)])
    func allowed(text: String, value: JSON) throws {
        #expect(try JSONTests.parse(text) == value)
    }

    @Test(
        "what RFC 8259 does not allow is refused, with what was expected and where",
        arguments: [
            ("", "expected a value, found the end at byte 0"), (" ", "the end at byte 1"), ("[1,]", "byte 3"),
            ("[1", "expected ']' at byte 2"), ("[1 2]", "expected ']' at byte 3"), ("{", "name of a member at byte 1"),
            (#"{"a" 1}"#, "expected ':' at byte 5"), (#"{"a":1,}"#, "name of a member at byte 7"),
            (#"{a:1}"#, "name of a member"), ("1 2", "nothing behind the value at byte 2"), ("01", "nothing behind"),
            ("+1", "found '+'"), (".5", "found '.'"), ("1.", "behind the point"), ("1e", "in the exponent"),
            ("-", "expected a digit"), ("nul", "expected null"), ("True", "found 'T'"), ("NaN", "found 'N'"),
            ("'a'", "found '''"), (#""a"#, "does not end at byte 0"), (#""\"#, "does not end"),
            (#""\x""#, "unknown escape"),
            (#""\u12G4""#, "four hexadecimal digits"), (#""\uD800""#, "half of a surrogate"),
            (#""\uDC00\uD800""#, "half of a surrogate"), (#""\uD800\u0041""#, "half of a surrogate"),
            ("\"\n\"", "control character at byte 1"), ("// a", "found '/'"), ("\u{FEFF}1", "byte 0xef"),
            (#"{"a":1,"a":2}"#, "\"a\" appears twice at byte 7"), (#"{"a":1,"\u0061":2}"#, "appears twice"),
        ])
    func refused(text: String, message: String) {
        #expect(throws: JSONParser.Problem.self) { try JSONTests.parse(text) }
        do {
            _ = try JSONTests.parse(text)
        } catch {
            #expect("\(error)".contains(message), "\(error)")
        }
    }

    @Test("text that is not UTF-8 is refused", arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(throws: JSONParser.Problem(message: "a string is not UTF-8", offset: 0)) {
            try JSONParser.parse([0x22] + bytes + [0x22], limits: JSONTests.limits)
        }
    }

    @Test("bytes, values and depth have limits")
    func limits() throws {
        var limits = JSONParser.Limits(bytes: 40, values: 5)
        #expect(throws: JSONParser.Problem.self) {
            try JSONParser.parse(Array(repeating: 0x20, count: 41), limits: limits)
        }
        _ = try JSONParser.parse(Array("[1,2,3,4]".utf8), limits: limits)
        #expect(throws: JSONParser.Problem.self) { try JSONParser.parse(Array("[1,2,3,4,5]".utf8), limits: limits) }
        limits.values = 100
        let deepest = Array(repeating: UInt8(ascii: "["), count: 16) + Array(repeating: UInt8(ascii: "]"), count: 16)
        _ = try JSONParser.parse(deepest, limits: limits)
        limits.bytes = 1_000_000
        let deeper = Array(repeating: UInt8(ascii: "["), count: 500_000)
        #expect(throws: JSONParser.Problem(message: "values are nested more than 16 deep", offset: 16)) {
            try JSONParser.parse(deeper, limits: limits)
        }
    }
}
