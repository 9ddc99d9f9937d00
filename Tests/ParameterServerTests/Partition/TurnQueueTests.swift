import MeshWire
import MeshworkTesting
import Synchronization
import Testing

@testable import ParameterServer

@Suite struct TurnQueueTests {
    /// How many are in at a time, guarded by a mutex.
    private final class Occupancy: Sendable {
        private let state = Mutex((now: 0, most: 0, total: 0))

        var most: Int { state.withLock { $0.most } }
        var total: Int { state.withLock { $0.total } }

        func enter() {
            state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1), $0.total + 1) }
        }

        func leave() { state.withLock { $0.now -= 1 } }
    }

    @Test("one task at a time has the turn")
    func isExclusive() async {
        let queue = TurnQueue(limit: 1_000)
        let inside = Occupancy()
        await withTaskGroup { group in
            for _ in 0..<200 {
                group.addTask {
                    guard await queue.take() else { return }
                    inside.enter()
                    await Task.yield()
                    inside.leave()
                    queue.pass()
                }
            }
        }
        #expect(inside.most == 1)
        #expect(inside.total == 200)
        #expect(queue.tryTake())
    }

    @Test("a full line refuses at once, and an empty one can be taken without waiting")
    func refusesWhenFull() async {
        let queue = TurnQueue(limit: 0)
        #expect(queue.tryTake())
        #expect(!queue.tryTake())
        #expect(await !queue.take())
        queue.pass()
        #expect(await queue.take())
    }

    @Test("who must not be refused waits in a full line, and gets the turn when it is given on")
    func waitsWhenFull() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let queue = TurnQueue(limit: 0)
            #expect(queue.tryTake())
            async let served: Bool = {
                await queue.takeWithoutLimit()
                return true
            }()
            try await runtime.sleep(for: .milliseconds(1))
            #expect(await !queue.take())
            queue.pass()
            #expect(await served)
            #expect(!queue.tryTake())
        }
    }
}
