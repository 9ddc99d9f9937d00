import MeshWire

/// Which reports of lost servers are looked into: one at a time for a server, and not again soon after it has answered. A
/// state machine without I/O or clock, with one entry a server of the map at most.
struct LossReports: Sendable {
    /// How long a server that has answered is believed to live, whoever says otherwise.
    private static let pause = Duration.milliseconds(100)

    private enum State {
        case asking
        case answered(RuntimeInstant)
    }

    // Looked up only, so that its order is none.
    private var servers: [String: State] = [:]

    /// Whether a report is to be looked into now; if so, ``answered(_:now:)`` or ``ended(_:)`` follows.
    mutating func begins(_ server: String, now: RuntimeInstant) -> Bool {
        switch servers[server] {
        case .asking: return false
        case .answered(let time) where time.duration(to: now) < Self.pause: return false
        case .answered, nil:
            servers[server] = .asking
            return true
        }
    }

    /// The server lives.
    mutating func answered(_ server: String, now: RuntimeInstant) { servers[server] = .answered(now) }

    /// The server is lost, or nobody knows.
    mutating func ended(_ server: String) { servers[server] = nil }
}
