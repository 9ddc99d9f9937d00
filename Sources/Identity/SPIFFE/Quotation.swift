/// ``quoted(_:longest:)`` with 80 scalars.
package func quoted(_ text: String) -> String { quoted(text, longest: 80) }

/// A text that came from outside as errors and logs show it: one line in quotes, cut off when it is long, without what a
/// terminal, an editor or a reader would obey: control characters of ASCII and beyond (U+009B begins a terminal's
/// commands as well as ESC does), Unicode's line ends, and the invisible marks that turn the direction of what follows.
///
/// - Parameter longest: how many Unicode scalars of it are shown; a character may have any number of them.
package func quoted(_ text: String, longest: Int) -> String {
    let scalars = text.unicodeScalars
    var shown = "\""
    for scalar in scalars.prefix(longest) { shown += scalar.shown }
    shown += "\""
    return scalars.dropFirst(longest).isEmpty ? shown : shown + "…"
}

extension Unicode.Scalar {
    /// The scalar in quotes, escaped as in Swift where it is not merely seen.
    fileprivate var shown: String {
        switch self {
        case "'": return "'"
        case _ where isASCII: return escaped(asASCII: true)
        default: return isVisible ? String(self) : "\\u{\(String(value, radix: 16, uppercase: true))}"
        }
    }

    /// Whether it is something to look at, and does nothing else.
    private var isVisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
