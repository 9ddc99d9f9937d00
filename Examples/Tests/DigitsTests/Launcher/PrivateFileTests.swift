import DigitsKit
import Foundation
import ProcessKit
import Testing

@Suite("Files for their owner alone")
struct PrivateFileTests {
    private static func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("digits-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private static func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("nobody else may read one, even where the process lets others read what it makes")
    func mode() throws {
        try Self.withFolder { folder in
            let path = folder.appendingPathComponent("key.pem").path
            let before = umask(0)
            defer { umask(before) }
            try PrivateFile.create(at: path, holding: "secret")
            #expect(try Self.mode(path) == 0o600)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "secret")
        }
    }

    @Test("an older file that others can read is replaced, not written over")
    func older() throws {
        try Self.withFolder { folder in
            let path = folder.appendingPathComponent("key.pem").path
            try Data("a longer text, from before".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            try PrivateFile.create(at: path, holding: "secret")
            #expect(try Self.mode(path) == 0o600)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "secret")
            // Whoever had opened the older one reads the older one.
            #expect(try reader.readToEnd() == Data("a longer text, from before".utf8))
        }
    }

    @Test("a link is replaced, and what it points to stays as it was")
    func link() throws {
        try Self.withFolder { folder in
            let target = folder.appendingPathComponent("elsewhere")
            try Data("untouched".utf8).write(to: target)
            let path = folder.appendingPathComponent("key.pem").path
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target.path)
            try PrivateFile.create(at: path, holding: "secret")
            #expect(try Data(contentsOf: target) == Data("untouched".utf8))
            #expect(try Self.mode(path) == 0o600)
        }
    }

    @Test("what cannot be written is an error that names the file", arguments: ["", "missing/key.pem"])
    func failure(name: String) throws {
        try Self.withFolder { folder in
            // A folder itself, and a file in a folder that is not there.
            let path = name.isEmpty ? folder.path : folder.appendingPathComponent(name).path
            let error = #expect(throws: LaunchError.self) { try PrivateFile.create(at: path, holding: "secret") }
            #expect(error?.message.hasPrefix("the file \(path) cannot be written: ") == true)
        }
    }
}
