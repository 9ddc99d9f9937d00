import MeshWire
import MeshworkTesting
import Synchronization
import Testing

@testable import Coordination

@Suite(.timeLimit(.minutes(5))) struct EmbeddedStoreTests {
    private static func store(
        _ runtime: any Runtime, timeout: Duration = .seconds(10), compactionBytes: Int = 2_000
    ) -> EmbeddedStore {
        EmbeddedStore(
            folder: "store", runtime: runtime, timeout: timeout, compactionBytes: compactionBytes,
            logger: TestLog.silent)
    }

    /// A change that follows a snapshot.
    private static func change(after snapshot: CoordinatorSnapshot, life: UInt64 = 1) -> CoordinatorChange {
        var change = CoordinatorChange()
        change.version = snapshot.version + 1
        change.membershipEpoch = snapshot.membershipEpoch + 1
        change.servers = [Example.server("s\(change.version % 7)", life: life)]
        return change
    }

    static func error(_ body: () async throws(CoordinationError) -> Void) async -> CoordinationError? {
        do throws(CoordinationError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test("of two changes after one version the first is kept, and the other is refused")
    func comparesAndSwaps() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let store = Self.store(runtime)
            var snapshot = try await store.load()
            let first = Self.change(after: snapshot, life: 1)
            let second = Self.change(after: snapshot, life: 2)
            try await store.commit(first, ifVersion: snapshot.version)
            let late = await Self.error { () async throws(CoordinationError) in
                try await store.commit(second, ifVersion: snapshot.version)
            }
            #expect(late?.code == .versionConflict)
            snapshot.apply(first)
            let loaded = try await store.load()
            #expect(loaded == snapshot)

            // At the same time, too.
            let next = Self.change(after: snapshot)
            async let one = Self.error { () async throws(CoordinationError) in
                try await store.commit(next, ifVersion: next.version - 1)
            }
            async let other = Self.error { () async throws(CoordinationError) in
                try await store.commit(next, ifVersion: next.version - 1)
            }
            let codes = await [one, other].map { $0?.code }
            #expect(codes.contains(nil) && codes.contains(.versionConflict))
        }
    }

    @Test("a folder belongs to one store at a time")
    func oneStore() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let store = Self.store(runtime)
            _ = try await store.load()
            let second = await Self.error { () async throws(CoordinationError) in
                _ = try await Self.store(runtime).load()
            }
            #expect(second?.code == .storeUnavailable)
            await store.close()
            let third = try await Self.store(runtime).load()
            #expect(third.version == 0)
        }
    }

    @Test("on a full disk nothing is kept, and commits succeed again when there is room")
    func fullDisk() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let store = Self.store(runtime)
            var snapshot = try await store.load()
            var faults = LogFaults()
            faults.capacity = 100
            runtime.disk.setFaults(faults)
            var refused: CoordinationError?
            for _ in 0..<10 where refused == nil {
                let change = Self.change(after: snapshot)
                do throws(CoordinationError) {
                    try await store.commit(change, ifVersion: snapshot.version)
                    snapshot.apply(change)
                } catch {
                    refused = error
                }
            }
            #expect(refused?.code == .storeUnavailable)
            #expect(refused?.message.contains("nothing was changed") == true)
            runtime.disk.setFaults(LogFaults())
            let change = Self.change(after: snapshot)
            try await store.commit(change, ifVersion: snapshot.version)
            snapshot.apply(change)
            runtime.disk.crash()
            let reloaded = try await Self.store(runtime).load()
            #expect(reloaded == snapshot)
        }
    }

    @Test(
        "a change of several records is kept as a whole or not at all, whether the store is loaded anew or not",
        arguments: [true, false])
    func largeChanges(isReopened: Bool) async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            var store = Self.store(runtime, compactionBytes: 20_000)
            var snapshot = try await store.load()
            func large(_ seed: UInt64) -> CoordinatorChange {
                var generator = SeededGenerator(seed: seed)
                var change = Self.change(after: snapshot)
                change.tables = (0..<10).flatMap { _ in ChangePartsTests.change(&generator).tables }
                for index in change.tables.indices { change.tables[index].name = "t\(change.version)-\(index)" }
                return change
            }
            #expect(Array(ChangeParts(large(1), bytes: 5_000)).count > 4)
            // Some of the records are written, the last are not.
            var faults = LogFaults()
            faults.capacity = 13_000
            runtime.disk.setFaults(faults)
            let refused = await Self.error { () async throws(CoordinationError) in
                try await store.commit(large(1), ifVersion: snapshot.version)
            }
            #expect(refused?.code == .storeUnavailable)
            runtime.disk.setFaults(LogFaults())
            if isReopened {
                await store.close()
                store = Self.store(runtime, compactionBytes: 20_000)
            }
            for seed in 2...3 as ClosedRange<UInt64> {
                let loaded = try await store.load()
                #expect(loaded == snapshot)
                let change = large(seed)
                try await store.commit(change, ifVersion: snapshot.version)
                snapshot.apply(change)
            }
            runtime.disk.crash()
            let reloaded = try await Self.store(runtime).load()
            #expect(reloaded == snapshot)
        }
    }

    @Test("when a sync fails or is too late, the store takes nothing more until it is loaded anew")
    func unknownOutcome() async throws {
        for isSlow in [true, false] {
            try await SimulatedRuntime.run(seed: 1) { runtime in
                let store = Self.store(runtime, timeout: .seconds(1))
                let snapshot = try await store.load()
                var faults = LogFaults()
                if isSlow {
                    faults.syncTime = .seconds(9) ... .seconds(9)
                } else {
                    faults.failedSyncShare = 1
                }
                runtime.disk.setFaults(faults)
                let change = Self.change(after: snapshot)
                let failed = await Self.error { () async throws(CoordinationError) in
                    try await store.commit(change, ifVersion: 0)
                }
                runtime.disk.setFaults(LogFaults())
                let next = await Self.error { () async throws(CoordinationError) in
                    try await store.commit(change, ifVersion: 0)
                }
                #expect([failed, next].map { $0?.code } == [.storeFailed, .storeFailed])
                #expect(next?.message.contains("restart") == true)
            }
        }
    }

    @Test("a damaged log is an error that names file and byte")
    func damaged() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let store = Self.store(runtime)
            var snapshot = try await store.load()
            for _ in 0..<3 {
                let change = Self.change(after: snapshot)
                try await store.commit(change, ifVersion: snapshot.version)
                snapshot.apply(change)
            }
            await store.close()
            runtime.disk.flipBit(in: "store/entries-0000000000000000")
            let error = await Self.error { () async throws(CoordinationError) in
                _ = try await Self.store(runtime).load()
            }
            #expect(error?.code == .storeFailed)
            #expect(error?.message.contains("store/entries-0000000000000000") == true)
            #expect(error?.message.contains("at byte") == true)
        }
    }

    @Test(
        "after crashes at any moment the store is at a version that it had, at least at the one that it promised",
        arguments: 1...60 as ClosedRange<UInt64>)
    func crashes(seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            // What each version was; the log is compacted on the way.
            var history: [CoordinatorSnapshot] = [CoordinatorSnapshot()]
            for life in 0..<10 {
                runtime.disk.setFaults(LogFaults())
                let store = Self.store(runtime)
                let loaded = try await store.load()
                let promised = history.count - 1
                #expect(loaded.version >= promised, "seed \(seed), life \(life)")
                if loaded.version == promised {
                    #expect(loaded == history[promised], "seed \(seed), life \(life)")
                }
                // Beyond what was promised is at most the change that was under way.
                #expect(loaded.version <= promised + 1, "seed \(seed), life \(life)")
                history = Array(history.prefix(Int(loaded.version))) + [loaded]
                var faults = LogFaults()
                faults.syncTime = .microseconds(100) ... .milliseconds(2)
                runtime.disk.setFaults(faults)
                let end = runtime.now.advanced(by: .microseconds(Int64(runtime.randomBits() % 60_000)))
                let start = history
                history = await withTaskGroup(of: [CoordinatorSnapshot]?.self) { group in
                    group.addTask {
                        var history = start
                        while true {
                            guard var snapshot = history.last else { return history }
                            let change = Self.change(after: snapshot, life: runtime.randomBits())
                            guard
                                await Self.error({ () async throws(CoordinationError) in
                                    try await store.commit(change, ifVersion: snapshot.version)
                                }) == nil
                            else { return history }
                            snapshot.apply(change)
                            history.append(snapshot)
                        }
                    }
                    group.addTask {
                        try? await runtime.sleep(until: end)
                        runtime.disk.crash()
                        return nil
                    }
                    var found = start
                    for await result in group { if let result { found = result } }
                    return found
                }
            }
            #expect(history.count > 20, "seed \(seed)")
        }
    }
}
