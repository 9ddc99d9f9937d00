import Foundation

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What the place that the launcher prints to can show.
package struct TerminalStyle: Sendable, Equatable {
    /// Lines can be redrawn in place: a terminal that is not dumb.
    package var isInteractive: Bool
    /// Colours are wanted: interactive, and `NO_COLOR` unset or empty (no-color.org).
    package var usesColor: Bool
    /// Characters beyond ASCII will be shown: the locale says UTF-8.
    package var usesUnicode: Bool
    /// Width in columns.
    package var columns: Int

    /// Plain ASCII lines: what a file or a pipe gets.
    package static let plain = TerminalStyle(isInteractive: false, usesColor: false, usesUnicode: false, columns: 100)

    package init(isInteractive: Bool, usesColor: Bool, usesUnicode: Bool, columns: Int) {
        self.isInteractive = isInteractive
        self.usesColor = usesColor
        self.usesUnicode = usesUnicode
        self.columns = columns
    }

    /// The style for an environment.
    ///
    /// - Parameters:
    ///   - isTerminal: whether the output is a terminal.
    ///   - columns: the terminal's width, 0 when unknown.
    package init(isTerminal: Bool, columns: Int, environment: [String: String]) {
        let terminal = environment["TERM"] ?? ""
        isInteractive = isTerminal && !terminal.isEmpty && terminal != "dumb"
        usesColor = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
        // The first that is set and not empty decides (POSIX, Base Definitions, 8.2).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let encoding = locale.lowercased()
        usesUnicode = encoding.contains("utf-8") || encoding.contains("utf8")
        self.columns = columns > 0 ? columns : isTerminal ? 80 : 120
    }

    /// The style of this process's standard output.
    package static func ofStandardOutput() -> TerminalStyle {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var size = winsize()
        // SAFETY: the request fills the local that it is given.
        let sizeResult = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        return TerminalStyle(
            isTerminal: isTerminal, columns: sizeResult == 0 ? Int(size.ws_col) : 0,
            environment: ProcessInfo.processInfo.environment)
    }
}
