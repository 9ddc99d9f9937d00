import MeshWire

/// Until when each server counts as living unless it gives a sign of life. A state machine without I/O or clock; a
/// coordinator that is started again begins anew.
struct ServerLeases: Sendable {
    private struct Lease: Sendable {
        var end: RuntimeInstant
        /// When it last gave a sign of life.
        var heard: RuntimeInstant
    }

    private let lease: Duration
    private let heartbeat: Duration
    /// Looked up, and walked through in the order of names.
    private var leases: [String: Lease] = [:]
    private var checked: RuntimeInstant?

    /// - Parameter servers: those of an earlier coordinator, which live for a lease and the grace time from `now` on.
    init(_ configuration: CoordinatorConfiguration, servers: some Sequence<String>, now: RuntimeInstant) {
        lease = configuration.serverLease
        heartbeat = configuration.serverHeartbeat
        for server in servers {
            leases[server] = Lease(end: now.advanced(by: lease + configuration.restartGrace), heard: now)
        }
    }

    /// A server has registered.
    mutating func begin(_ server: String, now: RuntimeInstant) {
        leases[server] = Lease(end: now.advanced(by: lease), heard: now)
    }

    /// A server has been lost.
    mutating func end(_ server: String) { leases[server] = nil }

    /// A server has given a sign of life.
    ///
    /// - Returns: how much later than it should.
    mutating func renew(_ server: String, now: RuntimeInstant) -> Duration {
        guard let known = leases[server] else { return .zero }
        leases[server] = Lease(end: max(known.end, now.advanced(by: lease)), heard: now)
        return max(.zero, known.heard.duration(to: now) - heartbeat)
    }

    /// Whether a lease is over. To be asked once a heartbeat, or after ``checked(at:)``: a coordinator that was stopped
    /// itself for longer than two has not heard anybody meanwhile, and gives all another lease.
    mutating func check(now: RuntimeInstant) -> Bool {
        defer { checked = now }
        if let checked, checked.duration(to: now) > heartbeat * 2 {
            let end = now.advanced(by: lease)
            leases = leases.mapValues { Lease(end: max($0.end, end), heard: $0.heard) }
        }
        return leases.values.contains { $0.end <= now }
    }

    /// What followed from a check took until now.
    mutating func checked(at now: RuntimeInstant) { checked = now }

    /// The servers whose leases are over, in the order of their names.
    func expired(now: RuntimeInstant) -> [String] {
        leases.filter { $0.value.end <= now }.keys.sorted()
    }
}
