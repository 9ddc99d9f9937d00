import Foundation
import Synchronization

/// Writes lines for people, and below them, on a terminal, an area that is redrawn in place.
///
/// Safe to share: the area's height is guarded by a mutex, under which everything is written.
package final class Console: Sendable {
    package let style: TerminalStyle
    private let write: @Sendable (String) -> Void
    private let liveLines = Mutex<[String]>([])

    /// - Parameter write: takes text as it is to appear.
    package init(style: TerminalStyle, write: @escaping @Sendable (String) -> Void) {
        self.style = style
        self.write = write
    }

    /// A console on standard output.
    package static func standardOutput() -> Console {
        Console(style: .ofStandardOutput()) { text in
            // A reader that is gone (`digits | head`) is no reason to stop before the children are.
            try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        }
    }

    /// Prints lines that stay.
    package func print(_ lines: String...) {
        self.print(lines)
    }

    /// Prints lines that stay.
    package func print(_ lines: [String]) {
        liveLines.withLock { live in
            write(erasing(live) + lines.map { $0 + "\n" }.joined() + live.map { $0 + "\n" }.joined())
        }
    }

    /// Replaces the area below the lines; does nothing where lines cannot be redrawn.
    package func show(live lines: [String]) {
        guard style.isInteractive else { return }
        liveLines.withLock { live in
            write(erasing(live) + lines.map { $0 + "\n" }.joined())
            live = lines
        }
    }

    /// Makes the area's last state lines that stay.
    package func settle() {
        liveLines.withLock { $0 = [] }
    }

    /// `text` in the terminal's bold or dim, or as it is.
    package func emphasised(_ text: String) -> String {
        style.usesColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text
    }

    /// Moves to the area's first line and clears from there on (ECMA-48: CPL, ED).
    private func erasing(_ live: [String]) -> String {
        live.isEmpty ? "" : "\u{1B}[\(live.count)F\u{1B}[J"
    }
}
