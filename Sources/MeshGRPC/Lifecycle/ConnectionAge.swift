package import MeshWire

/// How long a server keeps its connections.
public struct ConnectionAgeConfiguration: Sendable, Hashable {
    /// How long a connection may be without a call, or `nil` for ever. Default ever: a mesh keeps its connections.
    public var idle: Duration?
    /// How long a connection may live, or `nil` for ever; a random tenth more or less for each, so that connections
    /// made together do not end together. Default ever.
    public var age: Duration?
    /// How long calls may go on after that, or `nil` for ever. Default 30 s.
    public var grace: Duration? = .seconds(30)

    /// Makes the defaults.
    public init() {}
}

/// When a server ends a connection that nobody has complained about: because it is idle, or because it is old, so that
/// clients spread over servers anew (gRFC A9). No I/O, no clock.
///
/// ```
///   serving ── idle or old ──► draining ── no call left, or the grace is over ──► closed
/// ```
/// Ask ``deadline`` when to come back, and ``advance(to:)`` what to do then.
package struct ConnectionAge: Sendable {
    package enum Action: Sendable, Hashable {
        /// Take no new calls, let open ones end; the text says why.
        case drain(String)
        /// End the connection now, whatever is open on it.
        case close
    }

    private enum Phase {
        case serving(idleSince: RuntimeInstant?)
        case draining(until: RuntimeInstant?)
        case closed
    }

    private let configuration: ConnectionAgeConfiguration
    private let endOfLife: RuntimeInstant?
    private var openCalls = 0
    private var phase: Phase

    package init(
        _ configuration: ConnectionAgeConfiguration, now: RuntimeInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        self.configuration = configuration
        endOfLife = configuration.age.map { age in
            now.advanced(by: age * Double.random(in: 0.9...1.1, using: &generator))
        }
        phase = .serving(idleSince: now)
    }

    /// When ``advance(to:)`` has something to do, or `nil` for never as things are.
    package var deadline: RuntimeInstant? {
        switch phase {
        case .serving(let idleSince):
            let endOfIdleness = configuration.idle.flatMap { idle in idleSince?.advanced(by: idle) }
            return [endOfIdleness, endOfLife].compactMap { $0 }.min()
        case .draining(let end):
            return end
        case .closed:
            return nil
        }
    }

    /// The number of open calls changed. The answer is what to do at once.
    package mutating func callsChanged(to count: Int, now: RuntimeInstant) -> Action? {
        openCalls = count
        switch phase {
        case .serving(let idleSince):
            phase = .serving(idleSince: count == 0 ? idleSince ?? now : nil)
            return nil
        case .draining where count == 0:
            phase = .closed
            return .close
        case .draining, .closed:
            return nil
        }
    }

    /// The connection is drained for a reason of its owner's.
    package mutating func drain(now: RuntimeInstant) {
        guard case .serving = phase else { return }
        phase = .draining(until: configuration.grace.map { now.advanced(by: $0) })
    }

    /// What is due.
    package mutating func advance(to now: RuntimeInstant) -> Action? {
        guard let deadline, now >= deadline else { return nil }
        switch phase {
        case .serving:
            let isOld = endOfLife.map { now >= $0 } ?? false
            drain(now: now)
            return .drain(isOld ? "max_age" : "max_idle")
        case .draining:
            phase = .closed
            return .close
        case .closed:
            return nil
        }
    }
}
