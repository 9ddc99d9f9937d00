import Foundation

/// Files of figures.
package enum JSONFile {
    /// Writes a value as JSON, whole or not at all, and makes the folder that the file stands in.
    package static func write(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try (try encoder.encode(value) + Data("\n".utf8)).write(to: file, options: .atomic)
    }
}
