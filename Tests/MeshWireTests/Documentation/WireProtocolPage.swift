import Foundation
import Testing

/// `Documentation/WireProtocol.md`, as far as a test can hold the code against it.
struct WireProtocolPage {
    /// What one side sends in an example.
    struct Example {
        /// `client` or `server`.
        let sender: String
        let bytes: [UInt8]
    }

    private let lines: [Substring]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let page = root.appending(path: "Documentation/WireProtocol.md").standardized
        lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The blocks that begin with "```hex" and their sender, in the page's order.
    func examples() throws -> [Example] {
        var examples: [Example] = []
        var sender: String?
        var bytes: [UInt8] = []
        for line in lines {
            if let current = sender {
                if line == "```" {
                    examples.append(Example(sender: current, bytes: bytes))
                    sender = nil
                } else {
                    bytes += try Self.bytes(of: line)
                }
            } else if line.hasPrefix("```hex ") {
                sender = String(line.dropFirst("```hex ".count))
                bytes = []
            }
        }
        return examples
    }

    /// The cells of the table rows whose first cell is `name` in code font, without that cell.
    func row(_ name: String) -> [String]? {
        let start = "| `\(name)` |"
        guard let line = lines.first(where: { $0.hasPrefix(start) }) else { return nil }
        return line.dropFirst(start.count).split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The bytes of an example's line: pairs of digits, or one pair and `× count`, up to two spaces.
    private static func bytes(of line: Substring) throws -> [UInt8] {
        let words = line[..<(line.firstRange(of: "  ")?.lowerBound ?? line.endIndex)].split(separator: " ")
        guard words.count == 3, words[1] == "×" else { return try words.map(byte) }
        return Array(repeating: try byte(words[0]), count: try #require(Int(words[2]), "\(line)"))
    }

    private static func byte(_ word: Substring) throws -> UInt8 {
        try #require(word.utf8.count == 2 ? UInt8(word, radix: 16) : nil, "\(word) is not a byte")
    }
}
