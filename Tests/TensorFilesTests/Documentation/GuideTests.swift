import Foundation
import Testing

/// `Tensor.md` and `Guide.md` in `Sources/Tensor/Tensor.docc` show code that compiles, and what that code prints.
@Suite("The guide to tensors")
struct GuideTests {
    private static func text(of path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Both pages, one behind the other.
    private static func pages() throws -> String {
        try text(of: "Sources/Tensor/Tensor.docc/Tensor.md") + text(of: "Sources/Tensor/Tensor.docc/Guide.md")
    }

    /// The blocks of a language on the page, in their order.
    private static func blocks(_ language: String, of page: String) -> [String] {
        page.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    }

    /// The marked regions of a file, without what they are indented by, in their order.
    private static func regions(of source: String) -> [String] {
        source.components(separatedBy: "// docs: ").filter { !$0.hasPrefix("end") }.dropFirst().map { region in
            var lines = region.components(separatedBy: "\n").dropFirst()
            // The next mark's own indentation.
            lines.removeLast()
            let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
            return lines.map { String($0.dropFirst(indent)) }.joined(separator: "\n")
        }
    }

    @Test("every block of code is a region of the compiled file, to the letter, and every region is shown")
    func code() throws {
        let blocks = try Self.blocks("swift", of: Self.pages())
        let regions = try Self.regions(of: Self.text(of: "Tests/TensorFilesTests/Documentation/Guide.swift"))
        #expect(regions.count == Guide.all.count)
        #expect(blocks == regions)
    }

    @Test("behind every block of code stands what it prints", arguments: Guide.all.indices)
    func output(index: Int) throws {
        let shown = try Self.blocks("text", of: Self.pages())
        let folder = FileManager.default.temporaryDirectory.appending(path: "guide-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var lines: [String] = []
        try Guide.all[index](folder.path) { items in
            lines.append(items.map { "\($0)" }.joined(separator: " "))
        }
        try #require(shown.count == Guide.all.count)
        #expect(shown[index] == lines.joined(separator: "\n"))
    }
}
