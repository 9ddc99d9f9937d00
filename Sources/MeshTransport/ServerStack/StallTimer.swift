package import MeshWire
package import NIOCore

/// A server's defence against peers that begin a frame, or a call's head, and let it hang (slowloris): says so when
/// something is under way that is not whole in time.
///
/// One timer for a connection, which most reads find running. Confined to the connection's event loop.
package final class StallTimer {
    private let limit: Duration
    private let eventLoop: any EventLoop
    private let current: () -> Int?
    private let stalled: (WireError) -> Void
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - limit: ``stalled`` is called after once to twice this time.
    ///   - current: a number for what is under way and not whole, another one for whatever follows it; `nil` for nothing.
    ///   - stalled: ends the connection.
    package init(
        limit: Duration, on eventLoop: any EventLoop, current: @escaping () -> Int?,
        stalled: @escaping (WireError) -> Void
    ) {
        self.limit = limit
        self.eventLoop = eventLoop
        self.current = current
        self.stalled = stalled
    }

    /// Looks again when the time is up, if something is under way. Call it when bytes have been read.
    package func watch() {
        guard timer == nil, let watched = current() else { return }
        timer = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(limit.inNanoseconds)) {
            self.timer = nil
            guard self.current() == watched else { return self.watch() }
            self.stalled(WireError(.truncated, "what the peer began has not come whole within \(self.limit)"))
        }
    }

    /// Ends it: the timer would keep the connection in memory.
    package func cancel() {
        timer?.cancel()
        timer = nil
    }
}
