import DigitsKit
import ProcessKit
import Testing

@Suite("Drawn digits")
struct DigitDrawingTests {
    /// A black upper half on paper.
    private static let pixels = (0..<28 * 28).map { UInt8($0 < 14 * 28 ? 255 : 0) }

    @Test("shades of ASCII where there is no colour: two rows of pixels a line")
    func shades() {
        let lines = DigitDrawing(pixels: Self.pixels).lines(.plain)
        #expect(lines.count == 14)
        #expect(lines[0] == String(repeating: "@", count: 28))
        #expect(lines[7] == String(repeating: " ", count: 28))
    }

    @Test("half blocks in greys where there is colour, reset at each line's end")
    func blocks() {
        let style = TerminalStyle(isInteractive: true, usesColor: true, usesUnicode: true, columns: 80)
        let lines = DigitDrawing(pixels: Self.pixels).lines(style)
        #expect(lines[0].hasPrefix("\u{1B}[38;5;255;48;5;255m▀"))
        #expect(lines.allSatisfy { $0.hasSuffix("\u{1B}[0m") })
    }

    @Test("digits stand side by side above their captions")
    func row() {
        let drawing = DigitDrawing(pixels: Self.pixels)
        let lines = DigitDrawing.row([(drawing, "one"), (drawing, "two")], .plain)
        #expect(lines.count == 15)
        #expect(lines[0] == "  " + String(repeating: "@", count: 28) + "  " + String(repeating: "@", count: 28))
        #expect(lines[14].hasPrefix("  one") && lines[14].contains("  two"))
    }
}
