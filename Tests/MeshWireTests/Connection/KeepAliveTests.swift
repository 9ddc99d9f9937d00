import Testing

@testable import MeshWire

private func at(_ seconds: Double) -> RuntimeInstant { RuntimeInstant(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct KeepAliveTests {
    private var configuration: KeepAliveConfiguration {
        var configuration = KeepAliveConfiguration()
        configuration.interval = .seconds(20)
        configuration.timeout = .seconds(5)
        return configuration
    }

    @Test("a peer that is quiet is asked, and given up when it does not answer")
    func quiet() {
        var keepAlive = KeepAlive(configuration, now: at(0))
        #expect(keepAlive.deadline == nil)
        keepAlive.callsChanged(to: 1, now: at(10))
        #expect(keepAlive.deadline == at(30))
        #expect(keepAlive.advance(to: at(29)) == nil)
        #expect(keepAlive.advance(to: at(30)) == .sendPing)
        #expect(keepAlive.deadline == at(35))
        #expect(keepAlive.advance(to: at(34)) == nil)
        #expect(keepAlive.advance(to: at(35)) == .close)
    }

    @Test("anything that arrives is a sign of life")
    func alive() {
        var keepAlive = KeepAlive(configuration, now: at(0))
        keepAlive.callsChanged(to: 1, now: at(0))
        #expect(keepAlive.advance(to: at(20)) == .sendPing)
        keepAlive.received(now: at(21))
        #expect(keepAlive.deadline == at(41))
        #expect(keepAlive.advance(to: at(26)) == nil)
        keepAlive.received(now: at(40))
        #expect(keepAlive.advance(to: at(41)) == nil)
        #expect(keepAlive.advance(to: at(60)) == .sendPing)
    }

    @Test("an idle connection is asked only where that is wanted")
    func idle() {
        var keepAlive = KeepAlive(configuration, now: at(0))
        #expect(keepAlive.advance(to: at(1_000)) == nil)
        keepAlive.callsChanged(to: 1, now: at(1_000))
        #expect(keepAlive.advance(to: at(1_001)) == nil)
        var eager = configuration
        eager.asksWithoutCalls = true
        var other = KeepAlive(eager, now: at(0))
        #expect(other.advance(to: at(20)) == .sendPing)
    }
}
