package import MeshWire

/// How a server stops taking calls without losing one that is on its way (RFC 9113, 6.8): it announces that it will,
/// waits until the client must have read that, and only then says which call was the last. No I/O, no clock.
package struct GoAwayHandshake: Sendable {
    package enum Action: Sendable, Hashable {
        /// Send GOAWAY with the largest stream there can be, then a ping.
        case announce
        /// Send GOAWAY with the last stream that was taken; later ones are not.
        case finalize
    }

    private enum Phase {
        case serving
        case announced(until: RuntimeInstant)
        case finalized
    }

    /// The longest wait for the ping's answer: a client that is slower than this has calls refused, which it may repeat.
    private static let longestWait = Duration.seconds(10)

    private var phase = Phase.serving

    package init() {}

    /// When to give the ping's answer up, or `nil` if none is awaited.
    package var deadline: RuntimeInstant? {
        if case .announced(let deadline) = phase { return deadline }
        return nil
    }

    /// Whether the last stream has been named: later streams are refused.
    package var isFinal: Bool {
        if case .finalized = phase { return true }
        return false
    }

    /// Begins; does nothing a second time.
    package mutating func begin(now: RuntimeInstant) -> Action? {
        guard case .serving = phase else { return nil }
        phase = .announced(until: now.advanced(by: Self.longestWait))
        return .announce
    }

    /// The client answered the ping.
    package mutating func receivedPingAnswer() -> Action? {
        guard case .announced = phase else { return nil }
        phase = .finalized
        return .finalize
    }

    /// What is due.
    package mutating func advance(to now: RuntimeInstant) -> Action? {
        guard let deadline, now >= deadline else { return nil }
        return receivedPingAnswer()
    }
}
