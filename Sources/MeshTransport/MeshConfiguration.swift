import Identity
public import MeshWire

/// What a mesh does when the host does not say otherwise: time limits, retries, bounds.
///
/// What of it may change while calls run is in ``DynamicConfiguration``; here is what that begins with.
public struct MeshConfiguration: Sendable {
    /// How long a connection may take to be made, TLS and hello included. Default 5 s.
    public var connectTimeout: Duration = .seconds(5)
    /// How long an accepted connection may take until its handshake is done and its protocol is known, and then until
    /// its peer has said hello. Default 10 s.
    public var handshakeTimeout: Duration = .seconds(10)
    /// How long a call may take in all when the caller names no timeout. Default 30 s.
    public var callTimeout: Duration = .seconds(30)
    /// How failed attempts are repeated.
    public var retry = RetryConfiguration()
    /// Knows the endpoints of services by their names. Default none: then only destinations that name an endpoint can be
    /// called.
    public var resolver: (any Resolver)?
    /// Where calls go besides where their callers say, and how. Default nowhere else.
    public var routes = RoutePolicy()
    /// How the calls of a service are spread over its endpoints.
    public var balancing = BalancingConfiguration()
    /// When an endpoint of a service is left out because its calls fail; `nil` for never. Default after 7 failures in a
    /// row. (Linkerd's default is never: there, all endpoints may be left out.)
    public var failureAccrual: FailureAccrualConfiguration? = FailureAccrualConfiguration()
    /// How long it takes until an endpoint of a service is connected to again after that has failed.
    public var connectBackoff = ConnectBackoff()
    /// How long a service's calls wait while none of its endpoints takes calls; after that they fail at once until one
    /// does, and so they do when every endpoint has been tried and none could be connected to. Default 3 s, as Linkerd's.
    public var failfastTimeout: Duration = .seconds(3)
    /// When a side asks whether a quiet peer is still there; `nil` for never. Default after 20 s, while a call is open;
    /// a server also then looks whether the peer takes its answers. (Over gRPC, that wire's own configuration says it.)
    public var keepAlive: KeepAliveConfiguration? = KeepAliveConfiguration()
    /// How long open calls get to finish when a connection or the mesh goes away. Default 10 s.
    public var drainTimeout: Duration = .seconds(10)
    /// The most calls of one client that wait for an endpoint, and for each of its connections to be made, or until the
    /// server takes one more on it (a server of the mesh says how many it takes at a time:
    /// ``WireLimits/concurrentCalls``). Default 10,000; one beyond them fails with `connectFailed` or `noEndpoint`.
    public var callsAwaitingConnection = 10_000
    /// The size from which a call goes on its client's second connection, made for the first such call, so that small
    /// calls do not wait behind it (``CallLane``); `nil` for one connection only. Default 256 KiB: a frame of the mesh's
    /// own wire, which small calls wait for anyway.
    public var bulkPayloadBytes: Int? = 256 << 10
    /// The most connections of one listener at a time, those in their handshake included; a further one is closed at
    /// once. Default 16,384: far more than a mesh has peers, and a bound for what they can make the server hold.
    public var connectionsPerListener = 16_384
    /// What is remembered of deduplicated calls.
    public var deduplication = DeduplicationConfiguration()
    /// How many calls a server takes, in all and of each caller. Default any number.
    public var rateLimits = RateLimitPolicy()
    /// How many calls a server runs at a time; a further one is refused before it runs, so that its caller may try another
    /// server. Default any number, within the limits of the connections.
    public var concurrencyLimit: ConcurrencyLimit?
    /// How many calls are under way at a destination at a time, which others wait, and which are refused before they
    /// are sent. Default any number.
    public var admission = AdmissionPolicy()
    /// The limits of each connection.
    public var limits = WireLimits()
    /// How far the clocks of two peers may be apart when a connection ends because a certificate does. At most 1 h;
    /// default 20 s.
    public var clockSkew: Duration = .seconds(20)
    /// What outgoing calls pass on their way, the outermost first. Default none.
    public var clientInterceptors: [any ClientInterceptor] = []
    /// What incoming calls pass on their way, the outermost first. Default none.
    public var serverInterceptors: [any ServerInterceptor] = []
    /// What is told of the calls besides counting them: traces, an access log, a tap. Default only the tap, which shows
    /// calls to those who ask.
    public var telemetry = TelemetryConfiguration()
    /// How long a handler may hold an event loop at a time, during which the loop serves no other connection; a longer
    /// one is logged and counted by its method. `nil` to measure nothing. Default 5 ms: a handler on the loop is to take
    /// 20 µs.
    public var loopHoldWarning: Duration? = .milliseconds(5)
    /// Loses or doubles messages of calls on purpose, in tests and rehearsals. Default none.
    public var faults: (any FaultInjector)?

    /// Makes the defaults.
    public init() {}

    /// Throws ``MeshError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(MeshError) {
        var problems: [String] = []
        let durations = [
            ("connectTimeout", connectTimeout), ("handshakeTimeout", handshakeTimeout),
        ]
        for (name, duration) in durations where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        if let loopHoldWarning, loopHoldWarning <= .zero {
            problems.append("loopHoldWarning must be above zero, is \(loopHoldWarning)")
        }
        if drainTimeout < .zero { problems.append("drainTimeout must not be negative, is \(drainTimeout)") }
        for (name, count) in [
            ("callsAwaitingConnection", callsAwaitingConnection), ("connectionsPerListener", connectionsPerListener),
            ("bulkPayloadBytes", bulkPayloadBytes ?? 1),
        ] where count < 1 {
            problems.append("\(name) must be at least 1, is \(count)")
        }
        problems += keepAlive.map(\.problems)?.map { "keepAlive.\($0)" } ?? []
        problems += limits.problems.map { "limits.\($0)" }
        problems += DynamicConfiguration(self).problems
        problems += deduplication.problems.map { "deduplication.\($0)" }
        do throws(IdentityError) {
            try PeerVerifierConfiguration(clockSkew: clockSkew).validate()
        } catch {
            problems.append(error.message)
        }
        guard problems.isEmpty else {
            throw MeshError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}

/// How failed attempts are repeated. Which failures are, depends on the method's ``RetrySafety``.
public struct RetryConfiguration: Sendable, Hashable {
    /// The most attempts of one call, the first included. Default 3.
    public var maximumAttempts = 3
    /// How long one attempt may take before it counts as lost. Only calls that may be repeated have this limit besides
    /// their own timeout. Default 10 s.
    public var attemptTimeout: Duration = .seconds(10)
    /// The wait before the second attempt; it doubles with each further one. Default 25 ms.
    public var backoffBase: Duration = .milliseconds(25)
    /// The longest wait between attempts. Default 2 s.
    public var backoffLimit: Duration = .seconds(2)
    /// The share of each wait that is random, so that clients do not come back all at once. Default 0.5.
    public var jitter = 0.5
    /// The answers after which a call of an idempotent method is repeated although the server has run it. Default none: a
    /// server that has not run a call says so, and that is repeated anyway.
    public var statuses: Set<CallStatus> = []
    /// How many calls of a destination may be repeated; `nil` for as many as fail. Default a fifth of them and 10 a second,
    /// as Linkerd's. What a server has not taken because it goes away, and what goes over the client's other connection,
    /// is repeated without counting.
    public var budget: RetryBudgetConfiguration? = RetryBudgetConfiguration()
    /// When a call that takes long is sent to a second server as well; `nil` for never. Default never.
    public var hedging: HedgingConfiguration?

    /// Makes the defaults.
    public init() {}
}
