import Foundation
import MeshWire
import Testing

@Suite struct FileReaderTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    /// A file in a folder of its own.
    private func withFile(_ text: String, _ body: (URL) throws -> Void) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "file")
        try Data(text.utf8).write(to: file)
        try body(file)
    }

    @Test("a file's bytes are read with its version, up to a limit", arguments: [0, 1, 4_095, 4_096, 4_097, 100_000])
    func read(count: Int) throws {
        let text = String(repeating: "x", count: count)
        try withFile(text) { file in
            let (bytes, version) = try FileReader.read(file.path, limit: count)
            #expect(bytes == Array(text.utf8))
            #expect(try FileReader.version(of: file.path) == version)
            #expect(version.size == Int64(count))
            if count > 0 {
                #expect(throws: FileAccessError.self) { try FileReader.read(file.path, limit: count - 1) }
            }
        }
    }

    @Test("a file that is written to, or replaced by one of the same bytes, has another version")
    func versions() throws {
        try withFile("one") { file in
            let first = try FileReader.version(of: file.path)
            try Data("one".utf8).write(to: file, options: .atomic)
            let second = try FileReader.version(of: file.path)
            #expect(first != second)
            try Data("other".utf8).write(to: file)
            #expect(try FileReader.version(of: file.path) != second)
        }
    }

    @Test("what is not there or no file says so")
    func missing() throws {
        try withFile("") { file in
            do throws(FileAccessError) {
                _ = try FileReader.read(file.path + "x", limit: 1)
                Issue.record("read")
            } catch { #expect(error.description.contains("No such file")) }
            #expect(throws: FileAccessError.self) { try FileReader.version(of: file.path + "x") }
            #expect(throws: FileAccessError.self) { try FileReader.read(folder.path, limit: 1 << 20) }
        }
    }
}
