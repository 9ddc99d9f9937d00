import Identity
import Yams

/// A document of YAML, within bounds: what is too large, too deep or grows without end is refused before it is built,
/// or before it is walked through.
enum ConfigurationDocument {
    /// The longest file: a policy of a thousand rules has half of it.
    static let longest = 256 << 10

    /// The document's root; `nil`, with a problem noted, if there is none.
    static func root(of bytes: [UInt8], _ problems: ProblemList) -> Node? {
        guard bytes.count <= longest else {
            problems.note("expected at most \(longest) bytes, found \(bytes.count)")
            return nil
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let bytes = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
        guard let text = String(validating: bytes, as: UTF8.self) else {
            problems.note("expected UTF-8, found other bytes")
            return nil
        }
        // Lines that end where nobody sees it would make what follows differ from what is read.
        let odd = text.unicodeScalars.first { "\u{85}\u{2028}\u{2029}\u{FEFF}".unicodeScalars.contains($0) }
        guard odd == nil else {
            problems.note("expected lines that end with a line feed, found a separator that looks like none")
            return nil
        }
        if let finding = AliasScan(bytes).finding {
            problems.note(
                line: finding.line, column: finding.column,
                "expected no alias, found what may be one: a text that begins so stands in quotes")
            return nil
        }
        do {
            // Without rules nothing is taken for a number or a truth value by its looks: a setting knows what it wants.
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            guard let root = try parser.singleRoot() else {
                problems.note("expected a mapping of settings, found nothing")
                return nil
            }
            return root
        } catch {
            note(error, problems)
            return nil
        }
    }

    private static func note(_ error: any Error, _ problems: ProblemList) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let context = context.map { " \($0.text)" } ?? ""
            problems.note(line: mark.line, column: mark.column, "expected YAML,\(context) \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            problems.note(
                line: context.mark.line, column: context.mark.column,
                "expected each key once, found more of \(duplicates.prefix(5).map(quoted).joined(separator: ", "))")
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            problems.note(line: before.count { $0.isNewline } + 1, column: 1, "expected text, \(problem)")
        default:
            problems.note("expected YAML, found what cannot be read: \(error)")
        }
    }
}

/// A text as errors show it.
func quoted(_ text: String) -> String { Identity.quoted(text, longest: 60) }

/// A key as a setting's path shows it: as it is written where that is plain, else in quotes.
func pathComponent(_ key: String) -> String {
    let isPlain = key.utf8.allSatisfy {
        (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    return isPlain && (1...60).contains(key.utf8.count) ? key : quoted(key)
}
