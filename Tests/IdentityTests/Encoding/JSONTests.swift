import Testing

@testable import Identity

@Suite struct JSONTests {
    static let limits = JSONParser.Limits(bytes: 100_000, values: 10_000)

    static func parse(_ text: String) throws -> JSON {
        try JSONParser.parse(Array(text.utf8), limits: limits)
    }

    @Test("what is written is read again, whatever the values are")
    func roundTrip() throws {
        let seed: UInt64 = 0x1A50
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let value = Self.value(depth: 0, using: &generator)
            #expect(try JSONParser.parse(value.bytes, limits: Self.limits) == value)
        }
    }

    private static func value(depth: Int, using generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth < 5 ? 7 : 5), using: &generator) {
        case 0: .null
        case 1: .bool(Bool.random(using: &generator))
        case 2: .number(Int64.random(in: .min ... .max, using: &generator))
        case 3:
            .number(["0", "-0", "1.5", "-2.25e-3", "1E+9", "18446744073709551615"].randomElement(using: &generator)!)
        case 4: .string(text(using: &generator))
        case 5:
            .array(
                (0..<Int.random(in: 0..<4, using: &generator)).map { _ in value(depth: depth + 1, using: &generator) })
        default:
            .object(
                (0..<Int.random(in: 0..<4, using: &generator)).map { index in
                    JSON.Member(
                        "\(index)\(text(using: &generator))", value(depth: depth + 1, using: &generator))
                })
        }
    }

    private static func text(using generator: inout SeededGenerator) -> String {
        let characters: [Character] = ["a", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", "é", "\u{1F600}", "\u{7F}"]
        return String(
            (0..<Int.random(in: 0..<6, using: &generator)).map { _ in characters.randomElement(using: &generator)! })
    }

    @Test("text is written without space, members in their order")
    func writing() throws {
        let text = #"{"b":[1,-2.5e3,true,false,null],"a":{"\"\\":"\u0001é"}}"#
        #expect(try String(decoding: Self.parse(text).bytes, as: UTF8.self) == text)
    }

    @Test("members are found by name, and values by kind")
    func access() throws {
        let value = try Self.parse(#"{"text":"a","many":[1],"big":18446744073709551615,"part":1.0}"#)
        #expect(value["text"]?.string == "a")
        #expect(value["many"]?.array == [.number("1")])
        #expect(value["big"]?.integer(UInt64.self) == .max)
        #expect(value["big"]?.integer(Int64.self) == nil)
        #expect(value["part"]?.integer(Int64.self) == nil)
        #expect(value["none"] == nil)
        #expect(value["text"]?["none"] == nil)
        #expect(value["many"]?.string == nil && value["text"]?.array == nil && value["text"]?.integer(Int.self) == nil)
        #expect(
            try ["null", "true", "1", #""""#, "[]", "{}"].map { try Self.parse($0).kind }
                == ["null", "true or false", "a number", "a string", "an array", "an object"])
    }

    @Test(
        "seconds may have a fraction and an exponent, and are bounded",
        arguments: [
            ("1800000000", .down, 1_800_000_000), ("1.8e9", .down, 1_800_000_000), ("1.5", .down, 1), ("1.5", .up, 2),
            ("-1.5", .down, -2), ("9223372036854775807", .down, .max), ("9223372036854775808", .down, nil),
            ("1e400", .down, nil), ("1e300", .up, nil), ("null", .down, nil), (#""1""#, .down, nil),
        ] as [(String, FloatingPointRoundingRule, Int64?)])
    func seconds(text: String, rule: FloatingPointRoundingRule, expected: Int64?) throws {
        #expect(try Self.parse(text).seconds(rule) == expected)
    }
}
