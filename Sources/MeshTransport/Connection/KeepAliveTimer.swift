import MeshWire
import NIOCore

/// Asks a quiet peer whether it is still there while calls are open, and says when it does not answer: drives a
/// ``/MeshWire/KeepAlive`` for either side of a connection. A call moves no timer.
///
/// Confined to the connection's event loop.
final class KeepAliveTimer {
    private let configuration: KeepAliveConfiguration
    private let runtime: any Runtime
    private let eventLoop: any EventLoop
    private let hasCalls: () -> Bool
    private let ask: () -> Bool
    private let silent: () -> Void
    private var timer: Scheduled<Void>?
    private var hasHeard = false

    /// - Parameters:
    ///   - hasCalls: whether there is something that a silent peer would hold up.
    ///   - ask: asks the peer; false where its silence would mean nothing.
    ///   - silent: ends the connection.
    init(
        _ configuration: KeepAliveConfiguration, runtime: any Runtime, on eventLoop: any EventLoop,
        hasCalls: @escaping () -> Bool, ask: @escaping () -> Bool, silent: @escaping () -> Void
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.eventLoop = eventLoop
        self.hasCalls = hasCalls
        self.ask = ask
        self.silent = silent
    }

    /// The peer has given a sign of life.
    func heard() { hasHeard = true }

    /// Looks after the peer from now on, if there is a reason to and it is not looked after.
    func watch() {
        guard timer == nil, isNeeded else { return }
        let now = runtime.now
        hasHeard = false
        var state = KeepAlive(configuration, now: now)
        state.callsChanged(to: 1, now: now)
        schedule(state, now)
    }

    /// Ends it: the timer would keep the connection in memory.
    func cancel() {
        timer?.cancel()
        timer = nil
    }

    private var isNeeded: Bool { configuration.asksWithoutCalls || hasCalls() }

    private func schedule(_ state: KeepAlive, _ now: RuntimeInstant) {
        guard let deadline = state.deadline else { return }
        // Not later than in an interval: an answer brings the next question forward.
        let time = min(now.duration(to: deadline), configuration.interval)
        timer = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(max(0, time.inNanoseconds))) {
            self.timer = nil
            self.check(state)
        }
    }

    private func check(_ last: KeepAlive) {
        guard isNeeded else { return }
        let now = runtime.now
        var state = last
        if hasHeard { state.received(now: now) }
        hasHeard = false
        switch state.advance(to: now) {
        case .sendPing: if !ask() { state.received(now: now) }
        case .close: return silent()
        case nil: break
        }
        schedule(state, now)
    }
}
