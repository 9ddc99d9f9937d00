package import ProcessKit

/// A handwritten digit as characters: two rows of pixels in each line.
package struct DigitDrawing: Sendable {
    /// Pixels on a side.
    package static let side = 28

    private static let shades = Array(" .:-=+*#%@")
    private let pixels: [UInt8]

    /// - Parameter pixels: 28 × 28 grey values in rows, 0 for paper.
    package init(pixels: [UInt8]) {
        precondition(pixels.count == Self.side * Self.side, "\(pixels.count) pixels, \(Self.side * Self.side) expected")
        self.pixels = pixels
    }

    /// 14 lines of 28 columns: half blocks in greys where colours may be used, shades of ASCII elsewhere.
    package func lines(_ style: TerminalStyle) -> [String] {
        stride(from: 0, to: Self.side, by: 2).map { row in
            let pairs = (0..<Self.side).map { column in
                (upper: pixels[row * Self.side + column], lower: pixels[(row + 1) * Self.side + column])
            }
            guard style.usesColor && style.usesUnicode else {
                let characters = pairs.map { pair in
                    let mean = (Int(pair.upper) + Int(pair.lower)) / 2
                    return Self.shades[mean * (Self.shades.count - 1) / 255]
                }
                return String(characters)
            }
            return pairs.map { pair in
                // Upper half block: the foreground colours the upper pixel, the background the lower one.
                "\u{1B}[38;5;\(Self.grey(pair.upper));48;5;\(Self.grey(pair.lower))m▀"
            }.joined() + "\u{1B}[0m"
        }
    }

    /// Digits side by side, each with its caption below.
    package static func row(_ digits: [(drawing: DigitDrawing, caption: String)], _ style: TerminalStyle) -> [String] {
        let columns = digits.map { $0.drawing.lines(style) }
        let lines = (0..<side / 2).map { line in "  " + columns.map { $0[line] }.joined(separator: "  ") }
        let captions = digits.map { $0.caption.padding(to: side) }.joined(separator: "  ")
        return lines + ["  " + captions]
    }

    /// One of the 24 greys of the 256-colour palette (232 to 255).
    private static func grey(_ value: UInt8) -> Int { 232 + Int(value) * 23 / 255 }
}
