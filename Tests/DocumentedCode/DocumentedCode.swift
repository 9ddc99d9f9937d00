import Foundation

/// What a page of documentation shows, and what a compiled file has marked to be shown.
public enum DocumentedCode {
    /// The blocks of a language on a page of Markdown, in their order.
    public static func blocks(_ language: String = "swift", of page: String) -> [String] {
        page.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    }

    /// The regions of a file between `// docs: …` and the next such mark, without what they are indented by, in their
    /// order; what follows `// docs: end` is none.
    public static func regions(of source: String) -> [String] {
        source.components(separatedBy: "// docs: ").filter { !$0.hasPrefix("end") }.dropFirst().map { region in
            var lines = region.components(separatedBy: "\n").dropFirst()
            // The next mark's own indentation.
            lines.removeLast()
            let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
            return lines.map { String($0.dropFirst(indent)) }.joined(separator: "\n")
        }
    }
}
