import Foundation
import MeshTransport
import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct SystemLogsTests {
    private let logs = SystemRuntime.shared.logs
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func path(_ name: String) -> String { folder.file(name).path }

    private func code(_ body: () async throws(LogFileError) -> Void) async -> LogFileError.Code? {
        do throws(LogFileError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("what is appended is read, also after the file was closed and opened again")
    func appends() async throws {
        let file = try await logs.open(path("log"), mode: .createIfAbsent)
        try await file.append([ByteBuffer(string: "one "), ByteBuffer(string: "two")])
        try await file.sync()
        #expect(file.size == 7)
        await file.close()
        let again = try await logs.open(path("log"), mode: .existing)
        #expect(again.size == 7)
        try await again.append([ByteBuffer(string: " three")])
        let (all, middle, beyond) = (
            try await again.read(0..<100), try await again.read(4..<7), try await again.read(50..<60)
        )
        #expect([all, middle, beyond].map(String.init(buffer:)) == ["one two three", "two", ""])
    }

    @Test("a file that is cut goes on from there")
    func truncates() async throws {
        let file = try await logs.open(path("log"), mode: .createIfAbsent)
        try await file.append([ByteBuffer(string: "whole, torn")])
        try await file.truncate(to: 5)
        try await file.append([ByteBuffer(string: "!")])
        #expect(String(buffer: try await file.read(0..<20)) == "whole!")
    }

    @Test("a folder is made, lists its files in order, and files in it are renamed over others and removed")
    func names() async throws {
        let inner = path("inner")
        let empty = try await logs.list(inner)
        #expect(empty == [])
        for name in ["b", "a", "c"] {
            let file = try await logs.open("\(inner)/\(name)", mode: .createIfAbsent)
            try await file.append([ByteBuffer(string: name)])
            await file.close()
        }
        try await logs.rename("\(inner)/c", to: "\(inner)/a")
        try await logs.remove("\(inner)/b")
        try await logs.sync(folder: inner)
        let names = try await logs.list(inner)
        #expect(names == ["a"])
        let file = try await logs.open("\(inner)/a", mode: .existing)
        #expect(String(buffer: try await file.read(0..<9)) == "c")
    }

    @Test("a file is read beside whoever writes it, and also where nobody may write to it")
    func reading() async throws {
        let file = try await logs.open(path("log"), mode: .createIfAbsent)
        try await file.append([ByteBuffer(string: "text")])
        let reader = try await logs.open(path("log"), mode: .reading)
        let other = try await logs.open(path("log"), mode: .reading)
        #expect(String(buffer: try await reader.read(0..<9)) == "text" && other.size == 4)
        let refused = await code { () async throws(LogFileError) in try await reader.append([ByteBuffer(string: "x")]) }
        #expect(refused == .ioFailure)
        await file.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path("log"))
        let again = try await logs.open(path("log"), mode: .reading)
        #expect(String(buffer: try await again.read(0..<9)) == "text")
        let none = await code { () async throws(LogFileError) in _ = try await logs.open(path("none"), mode: .reading) }
        #expect(none == .notFound)
    }

    @Test("a file that is open is in use until it is closed, or nobody holds it")
    func locks() async throws {
        var file: (any LogFile)? = try await logs.open(path("log"), mode: .createIfAbsent)
        let second = await code { () async throws(LogFileError) in
            _ = try await logs.open(path("log"), mode: .existing)
        }
        #expect(second == .inUse)
        await file?.close()
        let closed = await code { () async throws(LogFileError) in try await file?.sync() }
        #expect(closed == .closed)
        file = try await logs.open(path("log"), mode: .existing)
        file = nil
        let third = await code { () async throws(LogFileError) in
            _ = try await logs.open(path("log"), mode: .existing)
        }
        #expect(third == nil)
    }

    @Test("what is missing, full or no folder is said by its code, with the path")
    func refusals() async throws {
        let missing = path("missing")
        #expect(
            await code { () async throws(LogFileError) in _ = try await logs.open(missing, mode: .existing) }
                == .notFound)
        #expect(await code { () async throws(LogFileError) in try await logs.remove(missing) } == .notFound)
        #expect(
            await code { () async throws(LogFileError) in try await logs.rename(missing, to: missing + "2") }
                == .notFound)
        #expect(await code { () async throws(LogFileError) in try await logs.sync(folder: missing) } == .notFound)
        #expect(
            await code { () async throws(LogFileError) in _ = try await logs.list(missing + "/deeper") } == .notFound)
        let full = try await logs.open("/dev/full", mode: .existing)
        do throws(LogFileError) {
            try await full.append([ByteBuffer(string: "no room")])
            Issue.record("a full disk took bytes")
        } catch {
            #expect(error.code == .diskFull)
            #expect(error.description.contains("/dev/full"))
        }
        #expect(full.size == 0)
    }
}
