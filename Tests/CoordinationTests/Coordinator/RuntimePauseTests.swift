import MeshWire
import MeshworkTesting
import Testing

@testable import Coordination

@Suite struct RuntimePauseTests {
    @Test("a pause lasts its time, and a cancelled one ends at once")
    func pauses() throws {
        try SimulatedRuntime.run(seed: 1) { runtime in
            let start = runtime.now
            #expect(await runtime.pause(for: .seconds(3)))
            #expect(start.duration(to: runtime.now) == .seconds(3))
            let wasWhole = await withTaskGroup(of: Bool.self) { group in
                group.addTask { await runtime.pause(for: .seconds(3_000)) }
                group.cancelAll()
                return await group.next()
            }
            #expect(wasWhole == false)
            #expect(start.duration(to: runtime.now) < .seconds(4))
        }
    }
}
