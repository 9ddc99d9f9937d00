import DocumentedCode
import Foundation
import Testing

/// `Tensor.md` and `Guide.md` in `Sources/Tensor/Tensor.docc` show code that compiles, and what that code prints.
@Suite("The guide to tensors")
struct GuideTests {
    private static func text(of path: String) throws -> String {
        try String(contentsOf: repository.appending(path: path), encoding: .utf8)
    }

    /// Both pages, one behind the other.
    private static func pages() throws -> String {
        try text(of: "Sources/Tensor/Tensor.docc/Tensor.md") + text(of: "Sources/Tensor/Tensor.docc/Guide.md")
    }

    @Test("every block of code is a region of the compiled file, to the letter, and every region is shown")
    func code() throws {
        let blocks = try DocumentedCode.blocks(of: Self.pages())
        let regions = try DocumentedCode.regions(of: Self.text(of: "Tests/TensorFilesTests/Documentation/Guide.swift"))
        #expect(regions.count == Guide.all.count)
        #expect(blocks == regions)
    }

    @Test("behind every block of code stands what it prints", arguments: Guide.all.indices)
    func output(index: Int) throws {
        let shown = try DocumentedCode.blocks("text", of: Self.pages())
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
