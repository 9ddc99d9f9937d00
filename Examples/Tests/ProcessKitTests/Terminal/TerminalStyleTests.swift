import ProcessKit
import Testing

@Suite("Terminal style")
struct TerminalStyleTests {
    @Test(
        "redrawing, colour and Unicode follow the terminal, NO_COLOR, TERM and the locale",
        arguments: [
            (true, ["TERM": "xterm", "LANG": "C.UTF-8"], [true, true, true]),
            (true, ["TERM": "xterm", "LANG": "C"], [true, true, false]),
            (true, ["TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "en_US.utf8"], [true, false, true]),
            (true, ["TERM": "xterm", "LC_ALL": "C", "LANG": "en_US.UTF-8"], [true, true, false]),
            (true, ["TERM": "dumb", "LANG": "C.UTF-8"], [false, false, true]),
            (true, [:], [false, false, false]),
            (false, ["TERM": "xterm", "LANG": "C.UTF-8"], [false, false, true]),
        ])
    func environment(isTerminal: Bool, environment: [String: String], expected: [Bool]) {
        let style = TerminalStyle(isTerminal: isTerminal, columns: 0, environment: environment)
        #expect([style.isInteractive, style.usesColor, style.usesUnicode] == expected)
    }
}
