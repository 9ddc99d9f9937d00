import MeshWire

/// How a client spreads its calls over the endpoints of one destination.
public struct BalancingConfiguration: Sendable, Hashable {
    /// By what an endpoint is chosen.
    public struct Policy: Sendable, Hashable, CustomStringConvertible {
        enum Kind: String {
            case peakEWMA, leastRequest, roundRobin, random, consistentHash
        }

        let kind: Kind

        /// The endpoint where a successful answer is expected soonest with the calls that it has: of all endpoints up to
        /// 16, of four drawn at random beyond (Linkerd's takes the better of two). For everything but what follows.
        public static let peakEWMA = Policy(kind: .peakEWMA)
        /// The endpoint that has the fewest calls, of all up to 16, of four drawn at random beyond. For calls whose
        /// times say nothing about the endpoint, such as streams and long polls.
        public static let leastRequest = Policy(kind: .leastRequest)
        /// One after the other, each as often as its weight says, whatever the endpoints do.
        public static let roundRobin = Policy(kind: .roundRobin)
        /// Any, each as often as its weight says.
        public static let random = Policy(kind: .random)
        /// The same endpoint for the same key (the call's `affinity`), for caches and state: Maglev. Calls without a key
        /// go to any.
        public static let consistentHash = Policy(kind: .consistentHash)

        /// The policy's name.
        public var description: String { kind.rawValue }
    }

    /// An endpoint that has just come gets fewer calls first.
    public struct SlowStart: Sendable, Hashable {
        /// How long it warms up; the share of its calls grows evenly meanwhile. Default 10 s.
        public var window: Duration = .seconds(10)
        /// The share that it begins with, above 0. Default 0.1, as Envoy's.
        public var minimumShare = 0.1

        /// Makes the defaults.
        public init() {}
    }

    /// Prefers endpoints of the caller's own zone.
    public struct ZonePreference: Sendable, Hashable {
        /// The caller's zone, as discovery names it.
        public var zone: String
        /// How much more than its share an endpoint may take: calls leave the zone when the share of its endpoints that
        /// take calls, times this, is below 1. Default 1.4, as Envoy's: until 71 % of them are left, none does.
        public var overprovisioning = 1.4
        /// A call also leaves the zone when the endpoint that was chosen there is this many times as loaded as one
        /// elsewhere; `nil` for never. Default 3. Only policies that look at load can tell.
        public var spillOverRatio: Double? = 3

        /// Makes the defaults.
        public init(zone: String) { self.zone = zone }
    }

    /// Uses some of the endpoints only.
    public struct Subset: Sendable, Hashable {
        /// How many endpoints a client uses, at most.
        public var size: Int
        /// Which: clients with one seed use the same ones. Default a random seed for each mesh.
        public var seed: UInt64?

        /// Makes a subset of a size.
        public init(size: Int, seed: UInt64? = nil) {
            self.size = size
            self.seed = seed
        }
    }

    /// By what an endpoint is chosen. Default ``Policy/peakEWMA``.
    public var policy = Policy.peakEWMA
    /// The latency that endpoints are taken to have before any of them has answered. Default 30 ms, as Linkerd's.
    /// (There it is that of every endpoint that has just come: where answers take less it keeps calls away for half a
    /// minute, and where they take more it draws them.)
    public var defaultLatency: Duration = .milliseconds(30)
    /// How fast what is known of an endpoint fades: after this time 37 % of it still counts. Default 10 s, as Linkerd's.
    public var decay: Duration = .seconds(10)
    /// The latency that an answer of `resourceExhausted` counts as, and the highest that any endpoint is taken to have.
    /// Default 5 s, as Linkerd's: refusing is fast, and would otherwise attract calls.
    public var rateLimitPenalty: Duration = .seconds(5)
    /// The longest that an endpoint is avoided because it said when to come again. Default 300 s, as Linkerd's.
    public var longestRetryAfter: Duration = .seconds(300)
    /// What a failure costs its caller besides the time that it took: an endpoint that fails a share `f` of its calls is
    /// taken to be `f / (1 - f)` times this slower, so that failing fast attracts no calls. Default 1 s: with 1 % failures
    /// an endpoint counts as 10 ms slower. (Linkerd counts no failures here unless told to.)
    public var failurePenalty: Duration = .seconds(1)
    /// How an endpoint that has just come is treated; `nil` for like any other. Default 10 s from a tenth of its calls on.
    public var slowStart: SlowStart? = SlowStart()
    /// Which zone is preferred. Default none.
    public var zonePreference: ZonePreference?
    /// Whether only some of the endpoints are used. Default all.
    public var subset: Subset?

    /// Makes the defaults.
    public init() {}

    /// What is out of range.
    var problems: [String] {
        var problems: [String] = []
        for (name, duration) in [
            ("defaultLatency", defaultLatency), ("decay", decay), ("rateLimitPenalty", rateLimitPenalty),
            ("slowStart.window", slowStart?.window ?? .seconds(1)),
        ] where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        for (name, duration) in [("longestRetryAfter", longestRetryAfter), ("failurePenalty", failurePenalty)]
        where duration < .zero {
            problems.append("\(name) must not be negative, is \(duration)")
        }
        if let share = slowStart?.minimumShare, !(share > 0 && share <= 1) {
            problems.append("slowStart.minimumShare must be above 0 and at most 1, is \(share)")
        }
        if let zonePreference {
            if zonePreference.zone.isEmpty { problems.append("zonePreference.zone must not be empty") }
            if !(zonePreference.overprovisioning >= 1) {
                problems.append(
                    "zonePreference.overprovisioning must be at least 1, is \(zonePreference.overprovisioning)")
            }
            if let ratio = zonePreference.spillOverRatio, !(ratio >= 1) {
                problems.append("zonePreference.spillOverRatio must be at least 1, is \(ratio)")
            }
        }
        if let size = subset?.size, size < 1 { problems.append("subset.size must be at least 1, is \(size)") }
        return problems
    }
}
