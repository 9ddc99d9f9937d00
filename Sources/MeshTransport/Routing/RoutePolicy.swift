public import MeshWire

/// Where a client's calls go besides where their caller says, and how: an ordered list of named routes. The first one that
/// matches a call decides; a call that none matches goes as if there were none.
///
/// ```swift
/// let canary = Route(
///     "canary", services: ["scoring"],
///     backends: [
///         RouteBackend(Destination(service: "scoring"), weight: 95),
///         RouteBackend(Destination(service: "scoring-next"), weight: 5),
///     ])
/// var testers = canary
/// testers.name = "testers"
/// testers.metadata = [MetadataMatch("x-tester", .present)]
/// testers.backends = [RouteBackend(Destination(service: "scoring-next"))]
/// try mesh.setRoutes(RoutePolicy(routes: [testers, canary]))
/// ```
/// A route is looked for once for a method where none of its routes asks for metadata.
public struct RoutePolicy: Sendable, Hashable {
    /// The routes, in the order that they are asked in.
    public var routes: [Route]

    /// Makes a policy.
    public init(routes: [Route] = []) { self.routes = routes }
}

/// A rule of a ``RoutePolicy``: which calls it is for, and what becomes of them.
public struct Route: Sendable, Hashable {
    /// The route's name in metrics and errors; unique in its policy.
    public var name: String
    /// The destinations of the calls, by the names of services or as `host:port`. Default any.
    public var services: [String]
    /// `MethodPattern`s as text. Default all.
    public var methods: [String]
    /// What a call's metadata must be; all of it. Default anything.
    public var metadata: [MetadataMatch] = []
    /// The method that is called instead, `Service/Method`, with the same types; `nil` for the one that was meant.
    public var redirect: String?
    /// Where the calls go, in proportion to the weights; each goes to one of them with all its attempts. Default where
    /// their caller means.
    public var backends: [RouteBackend]
    /// Who gets a copy of calls with one request and one response; `nil` for nobody.
    public var mirror: RouteMirror?
    /// What goes wrong on purpose; `nil` for nothing.
    public var faults: RouteFaults?
    /// The longest that a call may take in all, whatever its caller says; `nil` for as long as that says.
    public var timeout: Duration?
    /// In place of ``RetryConfiguration/attemptTimeout``.
    public var attemptTimeout: Duration?
    /// How long a call of several messages may have none of them, sent or received; `nil` for any time.
    public var idleTimeout: Duration?
    /// In place of ``RetryConfiguration/maximumAttempts``.
    public var maximumAttempts: Int?
    /// In place of ``RetryConfiguration/statuses``.
    public var retriedStatuses: Set<CallStatus>?
    /// In place of ``RetryConfiguration/hedging``.
    public var hedging: HedgingConfiguration?

    /// Makes a route.
    public init(
        _ name: String, services: [String] = [], methods: [String] = ["*"], backends: [RouteBackend] = []
    ) {
        self.name = name
        self.services = services
        self.methods = methods
        self.backends = backends
    }
}

/// What a call's metadata must be for a ``Route``.
public struct MetadataMatch: Sendable, Hashable {
    /// What is asked of a value.
    public enum Value: Sendable, Hashable {
        /// It is there.
        case present
        /// It is not there.
        case absent
        /// It is this.
        case exact(String)
        /// It begins so.
        case prefix(String)
    }

    /// The key.
    public var key: String
    /// What one of its values must be.
    public var value: Value

    /// Makes a match.
    public init(_ key: String, _ value: Value) {
        self.key = key
        self.value = value
    }
}

/// One of several places that a ``Route``'s calls go to.
public struct RouteBackend: Sendable, Hashable {
    /// Where, and who may answer there.
    public var destination: Destination
    /// Its share of the calls, beside the others' weights; 0 for none. Default 1.
    public var weight: UInt32

    /// Makes a backend.
    public init(_ destination: Destination, weight: UInt32 = 1) {
        self.destination = destination
        self.weight = weight
    }
}

/// Who gets a copy of a ``Route``'s calls. Copies go beside their calls, which they neither delay nor fail: nobody
/// waits for their answers, and one that there is no room for is not made.
public struct RouteMirror: Sendable, Hashable {
    /// The metadata key that copies carry, with the route's name.
    public static let metadataKey = "meshwork-shadow"

    /// Where, and who may answer there.
    public var destination: Destination
    /// The share of calls that are copied, 0 to 1. Default 1.
    public var share: Double
    /// The most copies at a time. Default 100.
    public var concurrent: Int

    /// Makes a mirror.
    public init(_ destination: Destination, share: Double = 1, concurrent: Int = 100) {
        self.destination = destination
        self.share = share
        self.concurrent = concurrent
    }
}

/// What goes wrong with a ``Route``'s calls on purpose, to see what becomes of it: before anything is sent, once for a
/// call.
public struct RouteFaults: Sendable, Hashable {
    /// How long calls are held back. Default not at all.
    public var delay: Duration = .zero
    /// The share of calls that are, 0 to 1. Default 0.
    public var delayShare = 0.0
    /// What calls fail with. Default `unavailable`.
    public var abort = CallStatus.unavailable
    /// The share of calls that do, 0 to 1. Default 0.
    public var abortShare = 0.0

    /// Makes a fault that never happens.
    public init() {}
}
