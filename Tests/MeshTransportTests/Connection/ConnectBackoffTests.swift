import Testing

@testable import MeshTransport

@Suite struct ConnectBackoffTests {
    @Test("the wait doubles up to its limit, and chance lengthens it")
    func pauses() {
        let backoff = ConnectBackoff()
        #expect(backoff.pause(after: 1, chance: 0) == .milliseconds(100))
        #expect(backoff.pause(after: 3, chance: 0) == .milliseconds(400))
        #expect(backoff.pause(after: 1_000_000, chance: 0) == .seconds(60))
        #expect(backoff.pause(after: 1, chance: 0.5) == .milliseconds(105))
    }

    @Test("a configuration that cannot be met is refused")
    func problems() {
        var backoff = ConnectBackoff()
        #expect(backoff.problems.isEmpty)
        backoff.base = .zero
        backoff.limit = .milliseconds(-1)
        backoff.jitter = 2
        #expect(backoff.problems.count == 3)
    }
}
