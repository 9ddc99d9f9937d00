import Coordination
import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import Testing

/// A log under tasks that append, wait and compact, on a machine that crashes at any moment, many lives long.
@Suite(.timeLimit(.minutes(5))) struct WriteAheadLogCrashTests {
    @Test(
        "what was synced is there after every crash, and nothing that was never appended",
        arguments: 1...100 as ClosedRange<UInt64>)
    func crashes(seed: UInt64) async throws {
        let found = try await Self.lives(seed, .synced) { $0.disk.crash() }
        #expect(found > 0, "seed \(seed)")
    }

    @Test("what was written is there after every kill of the process", arguments: 1...30 as ClosedRange<UInt64>)
    func kills(seed: UInt64) async throws {
        let found = try await Self.lives(seed, .written) { $0.disk.killProcess() }
        #expect(found > 0, "seed \(seed)")
    }

    private enum Stage { case written, synced }

    private static let limits: WriteAheadLogLimits = {
        var limits = WriteAheadLogLimits()
        limits.fileBytes = 300
        limits.bytes = 3_000
        limits.recordBytes = 1_000
        limits.backlogBytes = 2_000
        return limits
    }()

    /// Lives until `end` stops each, at a moment of the seed's choosing; returns how many records the last one found.
    private static func lives(
        _ seed: UInt64, _ stage: Stage, end: @escaping @Sendable (SimulatedRuntime) -> Void
    ) async throws -> Int {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let books = Books()
            for life in 0..<8 {
                // Now and then it ends while the log is being opened, too.
                if life % 4 == 3 {
                    await withTaskGroup(of: Void.self) { group in
                        group.addTask {
                            _ = await LogExample.error { () async throws(LogFileError) in
                                _ = try await WriteAheadLog.open("log", on: runtime, limits: limits) { _ in }
                            }
                        }
                        try? await runtime.sleep(for: .microseconds(Int64(runtime.randomBits() % 5_000)))
                        end(runtime)
                    }
                }
                runtime.disk.setFaults(LogFaults())
                var found: [UInt64] = []
                let (log, _) = try await WriteAheadLog.open("log", on: runtime, limits: limits) { record in
                    var payload = record.payload
                    while let number = payload.readInteger(as: UInt64.self) { found.append(number) }
                }
                books.check(found, "seed \(seed), life \(life)")
                var faults = LogFaults()
                faults.syncTime = .microseconds(10) ... .milliseconds(3)
                if life % 3 == 2 { faults.capacity = Int64(runtime.randomBits() % 4_000) }
                runtime.disk.setFaults(faults)
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 { group.addTask { await work(log, runtime, books, stage) } }
                    group.addTask { await compact(log, runtime, books) }
                    try? await runtime.sleep(for: .microseconds(Int64(runtime.randomBits() % 40_000)))
                    end(runtime)
                    group.cancelAll()
                }
            }
            return books.count
        }
    }

    /// Appends and waits, until it is cancelled.
    private static func work(_ log: WriteAheadLog, _ runtime: SimulatedRuntime, _ books: Books, _ stage: Stage) async {
        while !Task.isCancelled {
            let deadline = runtime.now.advanced(by: .milliseconds(Int64(runtime.randomBits() % 20)))
            do throws(LogFileError) {
                let position = try books.append(runtime.randomBits(), to: log)
                switch stage {
                case .synced: try await log.synced(through: position, until: deadline)
                case .written: try await log.written(through: position, until: deadline)
                }
                books.promise(position)
            } catch {
                try? await runtime.sleep(for: .milliseconds(1))
            }
        }
    }

    /// Replaces what has been promised by a snapshot, again and again, until it is cancelled.
    private static func compact(_ log: WriteAheadLog, _ runtime: SimulatedRuntime, _ books: Books) async {
        while !Task.isCancelled {
            try? await runtime.sleep(for: .microseconds(Int64(runtime.randomBits() % 10_000)))
            let (position, numbers) = books.snapshot
            guard position > 0 else { continue }
            _ = await LogExample.error { () async throws(LogFileError) in
                try await log.compact(through: position) { (writer) async throws(LogFileError) in
                    for start in stride(from: 0, to: numbers.count, by: 100) {
                        var payload = ByteBuffer()
                        for number in numbers[start...].prefix(100) { payload.writeInteger(number) }
                        try await writer.append(payload)
                    }
                }
            }
        }
    }
}

/// What has been appended to a log, and what it has promised to keep. Guarded by a mutex.
private final class Books: Sendable {
    private struct State {
        var appended: [(position: UInt64, number: UInt64)] = []
        var promised: Set<UInt64> = []
        /// The last position of this life that was promised.
        var last: UInt64 = 0
    }
    private let state = Mutex(State())

    /// How many records there may be.
    var count: Int { state.withLock { $0.appended.count } }

    /// Appends, so that positions and numbers are in one order.
    func append(_ number: UInt64, to log: WriteAheadLog) throws(LogFileError) -> UInt64 {
        try state.withLock { (state) throws(LogFileError) in
            let position = try log.append(ByteBuffer(integer: number))
            state.appended.append((position, number))
            return position
        }
    }

    func promise(_ position: UInt64) {
        state.withLock { state in
            state.promised.formUnion(state.appended.lazy.filter { $0.position == position }.map(\.number))
            state.last = max(state.last, position)
        }
    }

    /// The last promised position, and everything up to it.
    var snapshot: (position: UInt64, numbers: [UInt64]) {
        state.withLock { state in
            (state.last, state.appended.filter { $0.position <= state.last }.map(\.number))
        }
    }

    /// Compares what a log gave out with what it may and what it must; it is all that there is now.
    func check(_ found: [UInt64], _ place: String) {
        state.withLock { state in
            #expect(state.promised.subtracting(found).isEmpty, "\(place): promised and lost")
            #expect(Set(found).count == found.count, "\(place): twice")
            #expect(Set(found).isSubset(of: state.appended.map(\.number)), "\(place): never appended")
            state = State(appended: found.map { (0, $0) }, promised: Set(found))
        }
    }
}
