import Testing

@testable import Identity

/// What errors repeat of what came from outside.
@Suite struct QuotationTests {
    @Test(
        "what is shown is one line that nothing obeys",
        arguments: [
            ("a worker's \"name\"", #""a worker's \"name\"""#), ("line\nfeed\ttab\\", #""line\nfeed\ttab\\""#),
            ("\u{1B}[31mred", #""\u{1B}[31mred""#), ("\u{7F}", #""\u{7F}""#),
            // A terminal's control sequences begin with this as well.
            ("\u{9B}31mred", #""\u{9B}31mred""#),
            // Turns the direction of what follows: the log would say something else.
            ("admin\u{202E}resu", #""admin\u{202E}resu""#), ("\u{2066}a\u{2069}", #""\u{2066}a\u{2069}""#),
            ("a\u{2028}b\u{85}c\u{2029}", #""a\u{2028}b\u{85}c\u{2029}""#),
            ("\u{200B}\u{FEFF}", #""\u{200B}\u{FEFF}""#),
            ("\u{E0041}\u{E000}\u{378}", #""\u{E0041}\u{E000}\u{378}""#),
            // Letters of all languages are what they are.
            ("größe 数 шаг é 🚀", #""größe 数 шаг é 🚀""#), ("", #""""#),
        ] as [(String, String)])
    func shown(text: String, expected: String) { #expect(quoted(text) == expected) }

    @Test("a long text is cut off by scalars, of which one character may have any number")
    func long() {
        #expect(quoted(String(repeating: "a", count: 80)) == "\"\(String(repeating: "a", count: 80))\"")
        #expect(quoted(String(repeating: "a", count: 81)) == "\"\(String(repeating: "a", count: 80))\"…")
        #expect(quoted("abc", longest: 2) == "\"ab\"…")
        let one = "e" + String(repeating: "\u{301}", count: 10_000)
        #expect(one.count == 1 && quoted(one).unicodeScalars.count == 83)
    }
}
