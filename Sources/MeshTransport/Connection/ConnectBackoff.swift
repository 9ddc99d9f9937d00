import MeshWire

/// How long a client of a service waits before it tries again to connect to an endpoint.
public struct ConnectBackoff: Sendable, Hashable {
    /// The wait after the first failure; it doubles with each further one. Default 100 ms, as Linkerd's.
    public var base: Duration = .milliseconds(100)
    /// The longest wait. Default 60 s, as Linkerd's.
    public var limit: Duration = .seconds(60)
    /// The share of each wait that is random, on top of it. Default 0.1, as Linkerd's.
    public var jitter = 0.1

    /// Makes the defaults.
    public init() {}

    /// The wait after so many failures in a row, at least 1; `chance` is uniform in 0 ..< 1.
    package func pause(after failures: Int, chance: Double) -> Duration {
        base.doubled(failures - 1, upTo: limit) * (1 + jitter * chance)
    }

    /// What is out of range.
    package var problems: [String] {
        var problems: [String] = []
        if base <= .zero { problems.append("base must be above zero, is \(base)") }
        if limit < base { problems.append("limit must be at least base, is \(limit)") }
        if !(0...1).contains(jitter) { problems.append("jitter must be in 0...1, is \(jitter)") }
        return problems
    }
}
