import MeshWire
import MeshworkTesting
import NIOCore
import Testing

@Suite struct SimulatedLogsTests {
    private static let seeds: ClosedRange<UInt64> = 1...40

    private func code(_ body: () async throws(LogFileError) -> Void) async -> LogFileError.Code? {
        do throws(LogFileError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a crash loses nothing that was synced, and of the rest what follows its first bytes", arguments: seeds)
    func crash(seed: UInt64) async throws {
        let disk = SimulatedLogs(seed: seed)
        let file = try await disk.open("log/a", mode: .createIfAbsent)
        try await file.append([ByteBuffer(string: "synced")])
        try await file.sync()
        try await file.append([ByteBuffer(string: "unsynced")])
        disk.crash()
        let bytes = try #require(disk.bytes(of: "log/a"))
        let zeros = bytes.reversed().prefix { $0 == 0 }.count
        #expect("syncedunsynced".utf8.starts(with: bytes.dropLast(zeros)), "seed \(seed)")
        #expect(bytes.count >= 6 && bytes.count <= 14 && bytes.count - zeros >= 6, "seed \(seed)")
        let used = await code { () async throws(LogFileError) in try await file.sync() }
        #expect(used == .closed)
    }

    @Test("over the seeds a crash keeps all, nothing and parts of what was not synced, and tails of zeros")
    func crashesDiffer() async throws {
        var found: Set<[UInt8]> = []
        for seed in Self.seeds {
            let disk = SimulatedLogs(seed: seed)
            let file = try await disk.open("log/a", mode: .createIfAbsent)
            try await file.append([ByteBuffer(bytes: [1, 2, 3, 4])])
            disk.crash()
            found.insert(disk.bytes(of: "log/a") ?? [9])
        }
        #expect(found.isSuperset(of: [[], [1, 2, 3, 4]]))
        #expect(found.contains { (1..<4).contains($0.count) && !$0.contains(0) })
        #expect(found.contains { $0.contains(0) })
    }

    @Test("a file that was made and a name that was given are there after a crash", arguments: seeds)
    func names(seed: UInt64) async throws {
        let disk = SimulatedLogs(seed: seed)
        let file = try await disk.open("log/new", mode: .createIfAbsent)
        try await file.append([ByteBuffer(string: "content")])
        try await file.sync()
        try await disk.rename("log/new", to: "log/final")
        disk.crash()
        let names = try await disk.list("log")
        #expect(names == ["final"])
        #expect(disk.bytes(of: "log/final") == Array("content".utf8))
    }

    @Test("a removal is durable with the folder's sync; before, a crash may bring the file back")
    func removal() async throws {
        var isBack: Set<Bool> = []
        for seed in Self.seeds {
            let disk = SimulatedLogs(seed: seed)
            disk.setBytes(of: "log/a", to: [1])
            disk.setBytes(of: "log/b", to: [2])
            try await disk.remove("log/a")
            try await disk.sync(folder: "log")
            try await disk.remove("log/b")
            disk.crash()
            #expect(disk.bytes(of: "log/a") == nil, "seed \(seed)")
            isBack.insert(disk.bytes(of: "log/b") != nil)
        }
        #expect(isBack == [true, false])
    }

    @Test("a process that is killed loses nothing that it wrote, and what it had open can be opened")
    func killedProcess() async throws {
        let disk = SimulatedLogs(seed: 1)
        let file = try await disk.open("log/a", mode: .createIfAbsent)
        try await file.append([ByteBuffer(string: "written")])
        disk.killProcess()
        let again = try await disk.open("log/a", mode: .existing)
        #expect(String(buffer: try await again.read(0..<99)) == "written")
        let second = await code { () async throws(LogFileError) in _ = try await disk.open("log/a", mode: .existing) }
        #expect(second == .inUse)
        // Whoever only reads may, also beside a writer, and takes nothing from it.
        let reader = try await disk.open("log/a", mode: .reading)
        #expect(String(buffer: try await reader.read(0..<99)) == "written")
        let refused = await code { () async throws(LogFileError) in try await reader.append([ByteBuffer(string: "x")]) }
        #expect(refused == .ioFailure)
        await reader.close()
        #expect(
            await code { () async throws(LogFileError) in _ = try await disk.open("log/a", mode: .existing) } == .inUse)
        let none = await code { () async throws(LogFileError) in _ = try await disk.open("log/none", mode: .reading) }
        #expect(none == .notFound)
    }

    @Test("a full disk takes what there is room for and says so; room that is made is used")
    func fullDisk() async throws {
        let disk = SimulatedLogs(seed: 1)
        disk.setBytes(of: "log/old", to: [0, 0, 0])
        var faults = LogFaults()
        faults.capacity = 5
        disk.setFaults(faults)
        let file = try await disk.open("log/a", mode: .createIfAbsent)
        let refused = await code { () async throws(LogFileError) in
            try await file.append([ByteBuffer(bytes: [1, 2, 3])])
        }
        #expect(refused == .diskFull)
        #expect(file.size == 2)
        try await disk.remove("log/old")
        try await file.append([ByteBuffer(bytes: [3])])
        #expect(disk.bytes(of: "log/a") == [1, 2, 3])
    }

    @Test("one bit is flipped, where the seed says")
    func flippedBit() throws {
        func flipped() throws -> [UInt8] {
            let disk = SimulatedLogs(seed: 5)
            disk.setBytes(of: "log/a", to: [0, 0, 0, 0])
            let place = try #require(disk.flipBit())
            let bytes = try #require(disk.bytes(of: "log/a"))
            #expect(bytes[place.offset].nonzeroBitCount == 1)
            #expect(bytes.reduce(0) { $0 + $1.nonzeroBitCount } == 1)
            return bytes
        }
        #expect(try flipped() == flipped())
    }

    @Test("a slow sync takes simulated time, and one that should fail does")
    func syncFaults() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            var faults = LogFaults()
            faults.syncTime = .milliseconds(20) ... .milliseconds(30)
            runtime.disk.setFaults(faults)
            let file = try await runtime.logs.open("log/a", mode: .createIfAbsent)
            let start = runtime.now
            try await file.sync()
            let taken = start.duration(to: runtime.now)
            #expect(taken >= .milliseconds(20) && taken <= .milliseconds(31))
            faults.failedSyncShare = 1
            runtime.disk.setFaults(faults)
            let failed = await code { () async throws(LogFileError) in try await file.sync() }
            #expect(failed == .ioFailure)
        }
    }

    @Test("each host has a disk of its own, the same one whenever it is asked for")
    func hosts() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            runtime.host("a").disk.setBytes(of: "log/x", to: [1])
            #expect(runtime.host("a").disk.bytes(of: "log/x") == [1])
            #expect(runtime.host("b").disk.bytes(of: "log/x") == nil)
            #expect(runtime.disk.bytes(of: "log/x") == nil)
        }
    }
}
