public import MeshTransport

/// How a subscriber follows its control server.
public struct SubscriptionConfiguration: Sendable, Hashable {
    /// How long it waits until it tries again to follow. Default from 100 ms to 60 s.
    public var backoff = ConnectBackoff()
    /// After how long it begins to follow anew, so that subscribers spread over servers that have come since. Default 1 h.
    public var lifetime: Duration = .seconds(3_600)

    /// Makes the defaults.
    public init() {}

    /// Throws `MeshError` with code `invalidConfiguration` that names every property that is out of range.
    public func validate() throws(MeshError) {
        var problems = backoff.problems.map { "backoff.\($0)" }
        if lifetime < .seconds(1) { problems.append("lifetime must be at least 1 s, is \(lifetime)") }
        guard problems.isEmpty else { throw MeshError(.invalidConfiguration, problems.joined(separator: "; ")) }
    }
}
