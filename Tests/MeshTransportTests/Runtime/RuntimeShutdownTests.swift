import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@Suite struct RuntimeShutdownTests {
    @Test("work that runs until it is stopped ends with its task's cancellation, and no sooner")
    func cancelled() async throws {
        let time = try await SimulatedRuntime.run(seed: 1) { runtime in
            let start = runtime.now
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await runtime.untilStopped { try? await runtime.sleep(for: .seconds(3_000)) }
                }
                try? await runtime.sleep(for: .seconds(3))
                group.cancelAll()
            }
            return start.duration(to: runtime.now)
        }
        #expect(time >= .seconds(3) && time < .seconds(4))
    }
}
