import Testing

@testable import ModelServing

struct JSONNumberTests {
    private func number(_ text: String) -> JSONNumber? {
        let number = JSONNumber(Array(text.utf8), at: 0)
        return number.flatMap { $0.range == 0..<text.utf8.count ? $0 : nil }
    }

    @Test(
        "what JSON's grammar does not have is no number",
        arguments: [
            "", "-", "+1", "01", "-01", ".5", "1.", "1.e3", "1e", "1e+", "--1", "NaN", "Infinity", "0x10", "1_0",
        ])
    func grammar(text: String) {
        #expect(number(text) == nil)
    }

    @Test(
        "values are what Swift's own parser makes of them",
        arguments: [
            "0", "-0", "0.0", "1", "-1.5", "0.1", "123456789012345678901234567890", "1e22", "1e23", "9007199254740993",
            "0.12345678901234568", "2.2250738585072014e-308", "4.9e-324", "1E-5", "1e+05", "-3.4028236e38", "1e-400",
            "0.000000000000000000000000000001", "8.5e-1", "12345678901234567890.123e-5",
        ])
    func values(text: String) throws {
        let value = try #require(number(text)).value(in: Array(text.utf8))
        #expect(value.bitPattern == Double(text)?.bitPattern)
    }

    @Test("every float reads back from its shortest text, and from 17 digits")
    func floats() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var state = seed
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: state >> 32))
            guard value.isFinite else { continue }
            for text in [value.description, Double(value).description] {
                let read = try #require(number(text), "\(text)").value(in: Array(text.utf8))
                #expect(Float(read).bitPattern == value.bitPattern, "\(text)")
            }
        }
    }

    @Test("a number that is too large is infinite, and one that is too small is zero")
    func range() throws {
        #expect(try #require(number("1e999")).value(in: Array("1e999".utf8)) == .infinity)
        #expect(
            try #require(number("-1e99999999999999999999")).value(in: Array("-1e99999999999999999999".utf8))
                == -.infinity)
        #expect(try #require(number("1e-999")).value(in: Array("1e-999".utf8)) == 0)
    }

    @Test("whole numbers are those that are written so and fit 64 bits")
    func integers() {
        #expect(number("0")?.integer == 0)
        #expect(number("-0")?.integer == 0)
        #expect(number("-2147483648")?.integer == -2_147_483_648)
        #expect(number("9223372036854775807")?.integer == .max)
        #expect(number("9223372036854775808")?.integer == nil)
        #expect(number("99999999999999999999")?.integer == nil)
        #expect(number("1.0")?.integer == nil)
        #expect(number("1e3")?.integer == nil)
    }
}
