/// How a peer that is quiet is asked whether it is still there.
public struct KeepAliveConfiguration: Sendable, Hashable {
    /// How long the peer may be quiet before it is asked. Default 20 s: shorter than NAT and load balancers forget.
    /// Servers that follow gRPC's defaults allow no more than one ping in five minutes without data.
    public var interval = Duration.seconds(20)
    /// How long it may take to answer before the connection is given up. Default 20 s, as gRPC has it.
    public var timeout = Duration.seconds(20)
    /// Whether it is asked while no call is open, too. Default no: an idle connection may be lost, and gRPC's servers
    /// count such pings as strikes.
    public var asksWithoutCalls = false

    /// Makes the defaults.
    public init() {}

    /// Each property that is out of range, with what it must be.
    package var problems: [String] {
        [("interval", interval), ("timeout", timeout)].compactMap { name, duration in
            duration > .zero ? nil : "\(name) must be above zero, is \(duration)"
        }
    }
}

/// Asks a quiet peer whether it is still there, and gives the connection up when it does not say so. Either side's; no
/// I/O, no clock.
///
/// Ask ``deadline`` when to come back, and ``advance(to:)`` what to do then. Anything that arrives is a sign of life.
package struct KeepAlive: Sendable {
    package enum Action: Sendable, Hashable {
        case sendPing
        /// The peer did not answer.
        case close
    }

    private let configuration: KeepAliveConfiguration
    private var lastRead: RuntimeInstant
    private var sentPing: RuntimeInstant?
    private var hasCalls = false

    package init(_ configuration: KeepAliveConfiguration, now: RuntimeInstant) {
        self.configuration = configuration
        lastRead = now
    }

    /// When ``advance(to:)`` has something to do, or `nil` for never as things are.
    package var deadline: RuntimeInstant? {
        if let sentPing { return sentPing.advanced(by: configuration.timeout) }
        guard hasCalls || configuration.asksWithoutCalls else { return nil }
        return lastRead.advanced(by: configuration.interval)
    }

    /// Bytes arrived.
    package mutating func received(now: RuntimeInstant) {
        lastRead = now
        sentPing = nil
    }

    /// The number of open calls changed.
    package mutating func callsChanged(to count: Int, now: RuntimeInstant) {
        let had = hasCalls
        hasCalls = count > 0
        // A connection that has been idle for long is not asked at once, but its new call gets the interval.
        if hasCalls, !had, !configuration.asksWithoutCalls { lastRead = max(lastRead, now) }
    }

    /// What is due.
    package mutating func advance(to now: RuntimeInstant) -> Action? {
        guard let deadline, now >= deadline else { return nil }
        if sentPing != nil {
            sentPing = nil
            lastRead = now
            return .close
        }
        sentPing = now
        return .sendPing
    }
}
