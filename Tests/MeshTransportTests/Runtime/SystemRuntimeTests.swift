import MeshTransport
import MeshWire
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct SystemRuntimeTests {
    private let runtime = SystemRuntime.shared

    @Test("the clock goes forward, and sleeping takes as long as it should")
    func clock() async throws {
        let start = runtime.now
        try await runtime.sleep(for: .milliseconds(20))
        #expect(start.duration(to: runtime.now) >= .milliseconds(20))
        try await runtime.sleep(until: start)
    }

    @Test("a sleep for ever ends with its task")
    func forever() async {
        let isCancelled = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await runtime.sleep(until: RuntimeInstant(nanoseconds: .max))
                } catch { return error is CancellationError }
                return false
            }
            group.cancelAll()
            return await group.next()!
        }
        #expect(isCancelled)
    }

    @Test("a loop has one executor")
    func executors() {
        let loop = runtime.eventLoopGroup.next()
        #expect(runtime.loopExecutor(for: loop) === runtime.loopExecutor(for: loop))
    }
}
