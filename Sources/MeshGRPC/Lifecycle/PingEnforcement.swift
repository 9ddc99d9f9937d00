package import MeshWire

/// How often a server lets its clients ping.
public struct PingEnforcementConfiguration: Sendable, Hashable {
    /// The shortest time between two pings. Default 10 s: clients of this library ping every 20.
    public var shortestInterval = Duration.seconds(10)
    /// Whether a client may ping while it has no call open, more often than every two hours. Default yes: a mesh
    /// keeps its connections.
    public var allowsWithoutCalls = true
    /// The pings that may come too early. Default 2, as gRPC has it.
    public var strikes = 2

    /// Makes the defaults.
    public init() {}
}

/// A server's defence against clients that ping too often (gRFC A8): each ping that comes too early is a strike, and
/// after a number of them the connection is ended with `ENHANCE_YOUR_CALM` and the words `too_many_pings`. No clock.
package struct PingEnforcement: Sendable {
    /// How often a connection without calls may be pinged by any rule, as TCP's own keep-alive does it.
    private static let intervalWithoutCalls = Duration.seconds(2 * 60 * 60)

    private let configuration: PingEnforcementConfiguration
    private var lastPing: RuntimeInstant?
    private var strikes = 0

    package init(_ configuration: PingEnforcementConfiguration = PingEnforcementConfiguration()) {
        self.configuration = configuration
    }

    /// Whether the connection may go on after a ping of the client, which has `openCalls`.
    package mutating func allowsPing(openCalls: Int, now: RuntimeInstant) -> Bool {
        defer { lastPing = now }
        guard let lastPing else { return true }
        let isIdle = openCalls == 0 && !configuration.allowsWithoutCalls
        let shortest = isIdle ? Self.intervalWithoutCalls : configuration.shortestInterval
        guard lastPing.duration(to: now) < shortest else { return true }
        strikes += 1
        return strikes <= configuration.strikes
    }

    /// The server sent header fields or data: the client may want to know more about the connection, and starts afresh.
    package mutating func sentFrame() {
        lastPing = nil
        strikes = 0
    }
}
