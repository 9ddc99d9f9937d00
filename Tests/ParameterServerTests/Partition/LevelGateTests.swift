import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@testable import ParameterServer

@Suite struct LevelGateTests {
    private static func version(_ applied: UInt64) -> PartitionVersion { PartitionVersion(epoch: 1, applied: applied) }

    @Test("who waits for a version is let through when it is reached, and others go on waiting")
    func letsThrough() async throws {
        let ends = try await SimulatedRuntime.run(seed: 1) { runtime in
            let gate = LevelGate(Self.version(0), limit: 8)
            let end = runtime.now.advanced(by: .seconds(10))
            return await withTaskGroup(of: String.self) { group in
                for minimum in [2, 1, 9] as [UInt64] {
                    group.addTask {
                        let isReached = await gate.wait(for: Self.version(minimum), until: end, on: runtime)
                        return "\(minimum): \(isReached) after \(runtime.now.nanoseconds / 1_000_000_000) s"
                    }
                }
                for applied in 1...2 as ClosedRange<UInt64> {
                    try? await runtime.sleep(for: .seconds(1))
                    gate.reached(Self.version(applied))
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(ends == ["1: true after 1 s", "2: true after 2 s", "9: false after 10 s"])
    }

    @Test("a version that is reached already, also by a later epoch, does not wait")
    func alreadyThere() async {
        let gate = LevelGate(PartitionVersion(epoch: 2, applied: 0), limit: 1)
        #expect(await gate.wait(for: Self.version(50), until: RuntimeInstant(nanoseconds: 0), on: StillRuntime()))
    }

    @Test("a version that is told after a later one does not take that back")
    func lateNews() async {
        let gate = LevelGate(Self.version(0), limit: 1)
        for applied in [2, 1] as [UInt64] { gate.reached(Self.version(applied)) }
        #expect(await gate.wait(for: Self.version(2), until: RuntimeInstant(nanoseconds: 0), on: StillRuntime()))
        #expect(await !gate.wait(for: Self.version(3), until: RuntimeInstant(nanoseconds: 0), on: StillRuntime()))
    }

    @Test("a gate that is closed lets nobody wait, and says so to those who did")
    func closes() async throws {
        let ends = try await SimulatedRuntime.run(seed: 1) { runtime in
            let gate = LevelGate(UInt64(4), limit: 8)
            let end = runtime.now.advanced(by: .seconds(10))
            async let before = gate.wait(for: 5, until: end, on: runtime)
            try await runtime.sleep(for: .seconds(1))
            gate.close()
            let after = await gate.wait(for: 5, until: end, on: runtime)
            let reached = await gate.wait(for: 4, until: end, on: runtime)
            return (await before, after, reached, runtime.now.nanoseconds)
        }
        #expect(ends == (false, false, true, 1_000_000_000))
    }
}
