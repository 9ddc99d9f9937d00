import Foundation
import Testing

@testable import Identity

@Suite struct FileIssuanceLogStorageTests {
    /// A path that nothing has yet; what is there afterwards is removed.
    static func withPath(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "meshwork-log-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url)
    }

    static func entries(_ storage: FileIssuanceLogStorage) throws -> [[UInt8]] {
        try (0..<storage.count).map { try storage.entry(at: $0) }
    }

    static let entries: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 7, count: 32_768), [4]]

    /// A file with all entries, closed.
    static func write(to url: URL) throws {
        var storage = try FileIssuanceLogStorage(path: url.path)
        for entry in entries { try storage.append(entry) }
    }

    @Test("entries are there again when the file is opened again, for their owner alone")
    func reopens() throws {
        try Self.withPath { url in
            try Self.write(to: url)
            var storage = try FileIssuanceLogStorage(path: url.path)
            #expect(try Self.entries(storage) == Self.entries)
            try storage.append([9])
            #expect(storage.count == 5)
            #expect(try storage.entry(at: 4) == [9])
            let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("an entry that was being written when the machine stopped is cut off, wherever it stopped")
    func torn() throws {
        try Self.withPath { url in
            try Self.write(to: url)
            let whole = try Data(contentsOf: url)
            // The last entry has a header of 12 bytes and one of its own.
            for missing in 1...13 {
                try whole.dropLast(missing).write(to: url)
                var storage = try FileIssuanceLogStorage(path: url.path)
                #expect(try Self.entries(storage) == Self.entries.dropLast())
                try storage.append([5])
                #expect(storage.count == 4)
            }
            // The length was there, and not the bytes.
            try (whole.dropLast(1) + [0]).write(to: url)
            #expect(try FileIssuanceLogStorage(path: url.path).count == 3)
            // Room was there, and nothing else.
            try (whole + Data(count: 40)).write(to: url)
            #expect(try Self.entries(FileIssuanceLogStorage(path: url.path)) == Self.entries)
            for length in 0..<8 {
                try whole.prefix(length).write(to: url)
                #expect(try FileIssuanceLogStorage(path: url.path).count == 0)
                #expect(try Data(contentsOf: url) == whole.prefix(8))
            }
        }
    }

    @Test("an entry that is damaged is told from a good one")
    func damaged() throws {
        try Self.withPath { url in
            try Self.write(to: url)
            var bytes = try Data(contentsOf: url)
            bytes[8 + 12] ^= 1
            try bytes.write(to: url)
            let storage = try FileIssuanceLogStorage(path: url.path)
            #expect(throws: (any Error).self) { try storage.entry(at: 0) }
            #expect(try storage.entry(at: 3) == [4])
            let signer = try NoteSigner(name: "digits.example/issuance")
            let error = identityError { try IssuanceLog(signer: signer, storage: storage) }
            #expect(error?.code == .logNotStored)
            #expect(error?.description.contains("entry 0 at byte 8 is damaged") == true)
        }
    }

    @Test("a file that is no issuance log, or is damaged far from its end, is not opened and not changed")
    func foreign() throws {
        try Self.withPath { url in
            try Self.write(to: url)
            var lost = try Data(contentsOf: url)
            lost[8] = 0xFF
            for bytes in [Data("MESH".utf8.reversed()), Data("something else".utf8), lost] {
                try bytes.write(to: url)
                let error = identityError { try FileIssuanceLogStorage(path: url.path) }
                #expect(error?.code == .logNotStored)
                #expect(try Data(contentsOf: url) == bytes)
            }
            let missing = url.path + "/none"
            #expect(identityError { try FileIssuanceLogStorage(path: missing) }?.code == .logNotStored)
        }
    }

    @Test("a file is open once at a time, also when its storage is copied")
    func locked() throws {
        try Self.withPath { url in
            var storage: FileIssuanceLogStorage? = try FileIssuanceLogStorage(path: url.path)
            let copy = storage
            let error = identityError { try FileIssuanceLogStorage(path: url.path) }
            #expect(error?.description.contains("open elsewhere") == true)
            storage = nil
            #expect(copy?.count == 0)
            #expect(identityError { try FileIssuanceLogStorage(path: url.path) } != nil)
        }
    }

    @Test("a length that no append could have left is damage, and costs no entry behind it")
    func damagedLength() throws {
        try Self.withPath { url in
            try Self.write(to: url)
            var bytes = try Data(contentsOf: url)
            let size = bytes.count
            // That of the second entry, which is empty.
            bytes[8 + 12 + 3] = 0x80
            try bytes.write(to: url)
            #expect(identityError { try FileIssuanceLogStorage(path: url.path) }?.code == .logNotStored)
            #expect(try Data(contentsOf: url).count == size)
        }
    }

    @Test("of two copies of a storage one appends")
    func copies() throws {
        try Self.withPath { url in
            var storage = try FileIssuanceLogStorage(path: url.path)
            var copy = storage
            try copy.append([1])
            #expect(throws: (any Error).self) { try storage.append([2]) }
            try copy.append([3])
            #expect(try Self.entries(copy) == [[1], [3]])
        }
    }

    @Test("an entry has a limit, and no entry is found beyond the end")
    func limits() throws {
        try Self.withPath { url in
            var storage = try FileIssuanceLogStorage(path: url.path)
            #expect(throws: (any Error).self) { try storage.append(Array(repeating: 0, count: 32_769)) }
            try storage.append([1])
            #expect(storage.count == 1)
            #expect(throws: (any Error).self) { try storage.entry(at: 1) }
        }
    }

    @Test("a log in a file goes on where it ended, and its watcher sees one log")
    func log() throws {
        try Self.withPath { url in
            let signer = try NoteSigner(name: "digits.example/issuance")
            var verifier = IssuanceLogVerifier(key: signer.publicKey)
            let record = try IssuanceRecordTests.record()
            for size in 1...3 as ClosedRange<UInt64> {
                var log = try IssuanceLog(signer: signer, storage: FileIssuanceLogStorage(path: url.path))
                #expect(try log.append(record) == size - 1)
                try verifier.accept(log.signedCheckpoint(), proof: log.consistencyProof(from: size - 1))
                try verifier.check(record, at: size - 1, proof: log.inclusionProof(of: size - 1))
            }
        }
    }
}
