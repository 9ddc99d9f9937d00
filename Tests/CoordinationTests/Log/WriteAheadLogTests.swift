import Coordination
import Foundation
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct WriteAheadLogTests {
    private static let first = "log/entries-0000000000000000"

    private static func small(_ adjust: (inout WriteAheadLogLimits) -> Void = { _ in }) -> WriteAheadLogLimits {
        var limits = WriteAheadLogLimits()
        limits.fileBytes = 100
        limits.bytes = 400
        limits.recordBytes = 60
        limits.backlogBytes = 200
        adjust(&limits)
        return limits
    }

    @Test("what was appended comes back in order when the log is opened again, on the system's disk")
    func reopens() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("log").path
        let runtime = SystemRuntime.shared
        let limits = Self.small { $0.bytes = 2_000 }
        let opened = try await LogExample.open(path, on: runtime, limits: limits)
        #expect(opened.all.isEmpty)
        let texts = (1...12).map { "record \($0)" }
        for text in texts { try await opened.log.keep(text) }
        let second = await LogExample.error { () async throws(LogFileError) in
            _ = try await LogExample.open(path, on: runtime)
        }
        #expect(second?.code == .inUse)
        await opened.log.close()
        let again = try await LogExample.open(path, on: runtime, limits: limits)
        #expect(again.entries == texts)
        #expect(again.report.entries == 12 && again.report.cut == nil)
        let position = try again.log.append(ByteBuffer(string: "next"))
        #expect(position == 13)
        try await again.log.compact(through: 12) { (writer) async throws(LogFileError) in
            try await writer.append(ByteBuffer(string: "all"))
        }
        try await again.log.synced(through: position, until: runtime.now.advanced(by: .seconds(60)))
        await again.log.close()
        let third = try await LogExample.open(path, on: runtime, limits: limits)
        #expect(third.snapshot == ["all"])
        #expect(third.entries == ["next"])
        // A look at it while it is open gives the same, and changes nothing.
        var read: [String] = []
        let report = try await WriteAheadLog.read(path, on: runtime, limits: limits) {
            read.append(String(buffer: $0.payload))
        }
        #expect(read == ["all", "next"])
        #expect(report == third.report)
        await third.log.close()
    }

    @Test("a look at a log that ends in a record says so, and leaves it as it is")
    func looksAtTornTail() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let (bytes, texts) = try await Self.shortLog(runtime)
            let torn = Array(bytes.dropLast(2))
            runtime.disk.setBytes(of: Self.first, to: torn)
            var read: [String] = []
            let report = try await WriteAheadLog.read("log", on: runtime, limits: Self.small()) {
                read.append(String(buffer: $0.payload))
            }
            #expect(read == texts.dropLast())
            #expect(report.cut?.path == Self.first)
            #expect(runtime.disk.bytes(of: Self.first) == torn)
            let error = await LogExample.error { () async throws(LogFileError) in
                _ = try await WriteAheadLog.read("none", on: runtime) { _ in }
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test("many who wait at a time are served by one write and one sync")
    func groupCommit() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime).log
            var faults = LogFaults()
            faults.syncTime = .milliseconds(10) ... .milliseconds(10)
            runtime.disk.setFaults(faults)
            let start = runtime.now
            try await withThrowingTaskGroup { group in
                for number in 0..<200 { group.addTask { try await log.keep("\(number)") } }
                try await group.waitForAll()
            }
            // The first may be alone; the others come while it is synced.
            #expect(start.duration(to: runtime.now) < .milliseconds(25))
            #expect(log.last == 200)
        }
    }

    @Test("a log that is cut off at any byte gives the records before that, and goes on from there")
    func everyCut() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let (bytes, texts) = try await Self.shortLog(runtime)
            for length in 0..<bytes.count {
                let folder = "cut-\(length)"
                runtime.disk.setBytes(of: folder + Self.first.dropFirst(3), to: Array(bytes[..<length]))
                let opened = try await LogExample.open(folder, on: runtime)
                #expect(texts.starts(with: opened.entries), "\(length) bytes")
                let kept = opened.entries.reduce(LogHeader.size) { $0 + $1.utf8.count + LogRecord.overhead }
                let cut = length < LogHeader.size ? length : length - kept
                #expect(opened.report.cut?.bytes ?? 0 == Int64(cut), "\(length) bytes")
                #expect(length < LogHeader.size || cut < LogRecord.overhead + 20, "\(length) bytes")
                try await opened.log.keep("after")
                await opened.log.close()
                let again = try await LogExample.open(folder, on: runtime)
                #expect(again.entries == opened.entries + ["after"], "\(length) bytes")
                #expect(again.report.cut == nil, "\(length) bytes")
                await again.log.close()
            }
        }
    }

    @Test("every flipped bit of a log is an error that names the file and the byte, and leaves the file as it is")
    func everyBit() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let (bytes, texts) = try await Self.shortLog(runtime)
            for bit in 0..<(bytes.count * 8) {
                var changed = bytes
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                let path = "bit-\(bit)" + Self.first.dropFirst(3)
                runtime.disk.setBytes(of: path, to: changed)
                var seen: [String] = []
                do throws(LogFileError) {
                    _ = try await WriteAheadLog.open("bit-\(bit)", on: runtime) { record in
                        seen.append(String(buffer: record.payload))
                    }
                    Issue.record("bit \(bit) was not noticed")
                } catch {
                    #expect(error.code == .damaged, "bit \(bit)")
                    #expect(error.path == path, "bit \(bit)")
                    #expect(error.message.contains("at byte "), "bit \(bit)")
                }
                #expect(texts.starts(with: seen), "bit \(bit)")
                #expect(runtime.disk.bytes(of: path) == changed, "bit \(bit)")
            }
        }
    }

    /// The bytes of a log's one file, and what is in it.
    private static func shortLog(_ runtime: SimulatedRuntime) async throws -> ([UInt8], [String]) {
        let log = try await LogExample.open(on: runtime).log
        let texts = ["one", "", "three \0\0", "the last one"]
        for text in texts { try await log.keep(text) }
        await log.close()
        return (try #require(runtime.disk.bytes(of: first)), texts)
    }

    @Test("on a full disk the record is refused, those before are intact, and the log goes on when there is room")
    func fullDisk() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime).log
            try await log.keep("kept")
            var faults = LogFaults()
            faults.capacity = Int64(log.bytes + 10)
            runtime.disk.setFaults(faults)
            let lost = try log.append(ByteBuffer(string: "lost"))
            let full = await LogExample.error { () async throws(LogFileError) in
                try await log.written(through: lost, until: log.runtimeEnd)
            }
            #expect(full?.code == .diskFull)
            runtime.disk.setFaults(LogFaults())
            try await log.keep("after")
            // Whoever asks late is not told that another's record is theirs.
            let late = await LogExample.error { () async throws(LogFileError) in
                try await log.synced(through: lost, until: log.runtimeEnd)
            }
            #expect(late?.code == .diskFull)
            await log.close()
            let again = try await LogExample.open(on: runtime)
            #expect(again.entries == ["kept", "after"])
            #expect(again.report.cut == nil)
        }
    }

    @Test("a log whose records build on each other takes none after one that was lost")
    func stopsAfterLoss() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            var limits = WriteAheadLogLimits()
            limits.goesOnAfterLoss = false
            let (log, _) = try await WriteAheadLog.open("/log", on: runtime, limits: limits) { _ in }
            try await log.keep("kept")
            var faults = LogFaults()
            faults.capacity = Int64(log.bytes + 10)
            runtime.disk.setFaults(faults)
            let lost = try log.append(ByteBuffer(string: "lost"))
            let full = await LogExample.error { () async throws(LogFileError) in
                try await log.written(through: lost, until: log.runtimeEnd)
            }
            #expect(full?.code == .diskFull)
            runtime.disk.setFaults(LogFaults())
            let after = await LogExample.error { () async throws(LogFileError) in
                _ = try log.append(ByteBuffer(string: "after"))
            }
            #expect(after?.code == .diskFull)
            await log.close()
            var found: [String] = []
            let (again, _) = try await WriteAheadLog.open("/log", on: runtime, limits: limits) {
                found.append(String(buffer: $0.payload))
            }
            #expect(found == ["kept"])
            await again.close()
        }
    }

    @Test("a disk that is full when the next file is due, or the snapshot, loses nothing")
    func fullDiskAtBoundaries() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small()).log
            for number in 1...3 { try await log.keep("record number \(number)") }
            var faults = LogFaults()
            faults.capacity = Int64(log.bytes + 5)
            runtime.disk.setFaults(faults)
            let append = await LogExample.error { () async throws(LogFileError) in try await log.keep("refused") }
            let compaction = await LogExample.error { () async throws(LogFileError) in
                try await log.compact(through: 3) { (writer) async throws(LogFileError) in
                    try await writer.append(ByteBuffer(string: "refused"))
                }
            }
            #expect([append, compaction].map { $0?.code } == [.diskFull, .diskFull])
            runtime.disk.setFaults(LogFaults())
            try await log.keep("after")
            await log.close()
            let again = try await LogExample.open(on: runtime, limits: Self.small())
            #expect(again.snapshot == [])
            #expect(again.entries == ["record number 1", "record number 2", "record number 3", "after"])
        }
    }

    @Test("a log at its limit refuses records until it is compacted")
    func limit() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small()).log
            var kept: [String] = []
            let full = await LogExample.error { () async throws(LogFileError) in
                for number in 1...100 {
                    try await log.keep("record number \(number)")
                    kept.append("record number \(number)")
                }
            }
            #expect(full?.code == .limitReached)
            #expect(log.bytes <= 400 && kept.count >= 6)
            try await log.compact(through: log.last) { (writer) async throws(LogFileError) in
                for text in kept { try await writer.append(ByteBuffer(string: text)) }
            }
            try await log.keep("after")
            await log.close()
            let again = try await LogExample.open(on: runtime, limits: Self.small())
            #expect(again.snapshot == kept)
            #expect(again.entries == ["after"])
        }
    }

    @Test("what nobody waits for is written when half of what may wait does, so that it does not fill the backlog")
    func unawaited() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small { $0.bytes = 4_000 }).log
            for number in 1...40 {
                _ = try log.append(ByteBuffer(string: "record number \(number)"))
                try await runtime.sleep(for: .milliseconds(1))
            }
            await log.close()
            let again = try await LogExample.open(on: runtime, limits: Self.small { $0.bytes = 4_000 })
            #expect(again.entries.count >= 35)
            #expect(again.entries == again.entries.indices.map { "record number \($0 + 1)" })
        }
    }

    @Test("a record that is too large and more at once than may wait are refused")
    func recordAndBacklog() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small()).log
            let large = await LogExample.error { () async throws(LogFileError) in
                _ = try log.append(ByteBuffer(repeating: 1, count: 61))
            }
            let many = await LogExample.error { () async throws(LogFileError) in
                for _ in 0..<9 { _ = try log.append(ByteBuffer(repeating: 1, count: 10)) }
            }
            #expect([large, many].map { $0?.code } == [.limitReached, .limitReached])
            #expect(log.last == 6)
        }
    }

    @Test("after a failed sync nothing is promised any more until the log is opened again")
    func failedSync() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime).log
            try await log.keep("kept")
            var faults = LogFaults()
            faults.failedSyncShare = 1
            runtime.disk.setFaults(faults)
            let failed = await LogExample.error { () async throws(LogFileError) in try await log.keep("unknown") }
            runtime.disk.setFaults(LogFaults())
            let later = await LogExample.error { () async throws(LogFileError) in try await log.keep("refused") }
            #expect([failed, later].map { $0?.code } == [.ioFailure, .ioFailure])
            #expect(later?.message.contains("restart") == true)
            runtime.disk.crash()
            let again = try await LogExample.open(on: runtime)
            #expect(again.entries == ["kept"] || again.entries == ["kept", "unknown"])
        }
    }

    @Test("a wait ends at its deadline, and when its task is cancelled")
    func deadline() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime).log
            var faults = LogFaults()
            faults.syncTime = .seconds(30) ... .seconds(30)
            runtime.disk.setFaults(faults)
            let position = try log.append(ByteBuffer(string: "slow"))
            let start = runtime.now
            let late = await LogExample.error { () async throws(LogFileError) in
                try await log.synced(through: position, until: start.advanced(by: .seconds(2)))
            }
            #expect(late?.code == .deadlineExceeded)
            #expect(start.duration(to: runtime.now) < .seconds(3))
            // Written it is, and another may wait for the rest.
            try await log.written(through: position, until: runtime.now)
            try await log.synced(through: position, until: runtime.now.advanced(by: .seconds(40)))
        }
    }

    @Test("a file that is missing between others is damage")
    func missingFile() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small()).log
            for number in 1...8 { try await log.keep("record number \(number)") }
            await log.close()
            let names = try await runtime.disk.list("log").filter { $0.hasPrefix("entries") }
            #expect(names.count >= 3)
            for name in names.dropLast() {
                let bytes = try #require(runtime.disk.bytes(of: "log/\(name)"))
                try await runtime.disk.remove("log/\(name)")
                let error = await LogExample.error { () async throws(LogFileError) in
                    _ = try await LogExample.open(on: runtime, limits: Self.small())
                }
                #expect(error?.code == .damaged, "without \(name)")
                runtime.disk.setBytes(of: "log/\(name)", to: bytes)
            }
            let whole = try await LogExample.open(on: runtime, limits: Self.small())
            #expect(whole.entries.count == 8)
            try await whole.log.compact(through: 8) { (writer) async throws(LogFileError) in
                try await writer.append(ByteBuffer(string: "all"))
            }
            await whole.log.close()
            for name in try await runtime.disk.list("log") where name.hasPrefix("entries") {
                try await runtime.disk.remove("log/\(name)")
            }
            let error = await LogExample.error { () async throws(LogFileError) in
                _ = try await LogExample.open(on: runtime, limits: Self.small())
            }
            #expect(error?.code == .damaged)
        }
    }

    @Test("more waits than the limit are refused, and those before them are served")
    func waits() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small { $0.waits = 2 }).log
            var faults = LogFaults()
            faults.syncTime = .milliseconds(10) ... .milliseconds(10)
            runtime.disk.setFaults(faults)
            let codes = await withTaskGroup(of: LogFileError.Code?.self) { group in
                for number in 0..<3 {
                    group.addTask {
                        await LogExample.error { () async throws(LogFileError) in try await log.keep("\(number)") }?
                            .code
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.count { $0 == nil } == 2 && codes.contains(.limitReached))
        }
    }

    @Test("a torn record in a file that others follow, and a snapshot without its end, are damage")
    func tornInTheMiddle() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let log = try await LogExample.open(on: runtime, limits: Self.small()).log
            for number in 1...8 { try await log.keep("record number \(number)") }
            await log.close()
            let bytes = try #require(runtime.disk.bytes(of: Self.first))
            runtime.disk.setBytes(of: Self.first, to: bytes.dropLast(3))
            let torn = await LogExample.error { () async throws(LogFileError) in
                _ = try await LogExample.open(on: runtime, limits: Self.small())
            }
            #expect(torn?.code == .damaged)
            #expect(torn?.path == Self.first)
            runtime.disk.setBytes(of: Self.first, to: bytes)
            let opened = try await LogExample.open(on: runtime, limits: Self.small()).log
            try await opened.compact(through: opened.last) { (writer) async throws(LogFileError) in
                try await writer.append(ByteBuffer(string: "all"))
            }
            await opened.close()
            let snapshot = "log/snapshot-0000000000000008"
            let whole = try #require(runtime.disk.bytes(of: snapshot))
            for length in 0..<whole.count {
                runtime.disk.setBytes(of: snapshot, to: Array(whole[..<length]))
                let error = await LogExample.error { () async throws(LogFileError) in
                    _ = try await LogExample.open(on: runtime, limits: Self.small())
                }
                #expect(error?.code == .damaged, "\(length) bytes")
            }
        }
    }
}
