import MeshTransport
import Testing

@testable import MeshConfigurationFile

/// What is too large, too deep or grows without end is refused in no time.
@Suite(.timeLimit(.minutes(1))) struct BoundsTests {
    private func problem(_ text: String) -> String? {
        do throws(ConfigurationFileError) {
            _ = try DynamicConfiguration(yaml: Array(text.utf8), file: "f")
            return nil
        } catch {
            return error.problems.first?.message
        }
    }

    @Test("a file that is too long is refused")
    func long() {
        #expect(
            problem(String(repeating: "#", count: 256 << 10) + "\n")
                == "expected at most 262144 bytes, found 262145")
        #expect(problem("retry: {}" + String(repeating: " ", count: (256 << 10) - 9)) == nil)
    }

    @Test("aliases that refer to aliases are not followed without end")
    func laughs() {
        var text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
        for level in 1...40 {
            let names = Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ")
            text += "x\(level): &x\(level) [\(names)]\n"
        }
        for end in ["", "y: {*x40}\n", "y: {x, [*x40]}\n", "y: {{k: *x40}}\n", "? *x40\n", "*x40 : y\n"] {
            #expect(problem(text + end)?.hasPrefix("expected no alias") == true)
        }
    }

    @Test(
        "an alias is refused wherever it stands",
        arguments: ["a: *b", "- *b", "[*b]", "{*b}", "a:\n  *b", "{\"a\":*b}", "{a: 1,*b}", "*b", "a: !t *b", "a:\t*b"])
    func aliases(text: String) {
        #expect(problem(text)?.hasPrefix("expected no alias") == true)
    }

    @Test(
        "a key that is no text is refused",
        arguments: [
            "? [a]", "[a, b]: c", "{a: b} : c", "{? {a: b}}",
        ])
    func keys(text: String) {
        #expect(problem(text)?.hasPrefix("expected") == true)
    }

    @Test("addresses, patterns and questions in a text are no keys")
    func texts() {
        let text = """
            # Is this a question? It is [one, …]: see {the: list}: and what* follows
            routes:
              - name: "what? [a]: b*"
                methods: ["*", shop.Scoring/*]
                backends: [{endpoint: "[fd00::2]:7000", identities: ["spiffe://d/*"]}]
            """
        #expect(problem(text) == nil)
    }

    @Test("nesting has an end")
    func deep() {
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let text = "x: " + String(repeating: open, count: 20_000) + String(repeating: close, count: 20_000)
            #expect(problem(text)?.contains("nesting level") == true)
        }
        #expect(problem(String(repeating: "- ", count: 50_000))?.contains("nesting level") == true)
        #expect(problem("x: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900)) != nil)
    }

    @Test("bytes that are no text are refused, and a byte order mark is passed over")
    func bytes() {
        #expect(throws: ConfigurationFileError.self) { () throws in
            _ = try DynamicConfiguration(yaml: [0xFF, 0xFE], file: "f")
        }
        #expect(problem("a: \u{0}")?.hasPrefix("expected") == true)
        #expect(problem("a: b\u{2028}c: d")?.contains("separator") == true)
        #expect(throws: Never.self) { () throws in
            _ = try DynamicConfiguration(yaml: [0xEF, 0xBB, 0xBF] + Array("callTimeout: 1s\r\n".utf8), file: "f")
        }
    }

    @Test(
        "the nearest key is guessed by the letters that have to change",
        arguments: [("retrys", "retry"), ("Retry", "retry"), ("rotues", "routes"), ("x", nil), ("", nil)]
            as [(String, String?)])
    func suggestion(name: String, key: String?) {
        #expect(KeySuggestion.nearest(to: name, of: ["retry", "routes", "rateLimits"]) == key)
        #expect(KeySuggestion.distance("kitten", "sitting") == 3)
    }
}
