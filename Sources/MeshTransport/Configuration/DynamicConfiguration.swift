public import Identity

/// What may change of a mesh while its calls run, as one value: it is put in force as a whole, or not at all.
///
/// ```swift
/// var next = mesh.dynamicConfiguration
/// next.version = "2026-11-29"
/// next.retry.maximumAttempts = 2
/// next.routes = RoutePolicy(routes: [canary])
/// try mesh.apply(next)
/// ```
/// What is not here holds for a mesh's life, or for that of a connection or client: a listener's limits, keep-alive,
/// interceptors, what is remembered of deduplicated calls. (Envoy draws the same line, between its bootstrap and its
/// dynamic configuration.)
public struct DynamicConfiguration: Sendable, Hashable {
    /// What the host, a file or a control stream calls it, in logs; `nil` for what has no name.
    public var version: String?
    /// Who may call what. Calls that are under way and that a new policy does not allow end with
    /// ``/MeshWire/CallStatus/permissionDenied``, streams among them.
    public var authorization: AuthorizationPolicy
    /// In place of ``MeshConfiguration/routes``. Calls that are under way stay on theirs.
    public var routes: RoutePolicy
    /// In place of ``MeshConfiguration/rateLimits``. What has come so far counts on in rules that stay as they were.
    public var rateLimits: RateLimitPolicy
    /// In place of ``MeshConfiguration/concurrencyLimit``. Calls that began while there was no limit do not count in one.
    public var concurrencyLimit: ConcurrencyLimit?
    /// In place of ``MeshConfiguration/admission``. Attempts under way keep their places; those that wait go on
    /// waiting, by the new rules. Attempts that began while there was no limit do not count in one.
    public var admission: AdmissionPolicy
    /// In place of ``MeshConfiguration/callTimeout``; for calls that begin afterwards.
    public var callTimeout: Duration
    /// In place of ``MeshConfiguration/failfastTimeout``; for calls that wait, too.
    public var failfastTimeout: Duration
    /// In place of ``MeshConfiguration/retry``; for calls that begin afterwards, but for the budget, which holds at once.
    public var retry: RetryConfiguration
    /// In place of ``MeshConfiguration/balancing``. What is known of the endpoints' loads stays, and their connections do.
    public var balancing: BalancingConfiguration
    /// In place of ``MeshConfiguration/failureAccrual``. Endpoints that are left out stay so, for no longer than the
    /// longest new penalty; with `nil`, all come back.
    public var failureAccrual: FailureAccrualConfiguration?
    /// In place of ``MeshConfiguration/connectBackoff``; endpoints that wait for their next try wait anew.
    public var connectBackoff: ConnectBackoff

    /// Makes what a mesh begins with: `configuration`'s part, and the policy that it is made with.
    ///
    /// - Parameters:
    ///   - configuration: default the defaults.
    ///   - authorization: default one that allows nothing.
    public init(
        _ configuration: MeshConfiguration = MeshConfiguration(), authorization: AuthorizationPolicy = .denyAll
    ) {
        self.authorization = authorization
        routes = configuration.routes
        rateLimits = configuration.rateLimits
        concurrencyLimit = configuration.concurrencyLimit
        admission = configuration.admission
        callTimeout = configuration.callTimeout
        failfastTimeout = configuration.failfastTimeout
        retry = configuration.retry
        balancing = configuration.balancing
        failureAccrual = configuration.failureAccrual
        connectBackoff = configuration.connectBackoff
    }

    /// Throws ``MeshError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(MeshError) {
        let problems = problems
        guard problems.isEmpty else { throw MeshError(.invalidConfiguration, problems.joined(separator: "; ")) }
    }

    /// What is out of range.
    var problems: [String] {
        var problems = simpleProblems
        do throws(MeshError) {
            _ = try RouteTable(routes, retry: retry)
        } catch {
            problems.append("routes: \(error.message)")
        }
        do throws(MeshError) {
            _ = try RateLimits(rateLimits)
        } catch {
            problems.append("rateLimits: \(error.message)")
        }
        return problems
    }

    private var simpleProblems: [String] {
        var problems: [String] = []
        for (name, duration) in [
            ("callTimeout", callTimeout), ("failfastTimeout", failfastTimeout),
            ("retry.attemptTimeout", retry.attemptTimeout), ("retry.backoffBase", retry.backoffBase),
            ("retry.backoffLimit", retry.backoffLimit),
        ] where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        if retry.maximumAttempts < 1 {
            problems.append("retry.maximumAttempts must be at least 1, is \(retry.maximumAttempts)")
        }
        if !(0...1).contains(retry.jitter) { problems.append("retry.jitter must be in 0...1, is \(retry.jitter)") }
        problems += retry.budget.map(\.problems)?.map { "retry.budget.\($0)" } ?? []
        problems += retry.hedging.map(\.problems)?.map { "retry.hedging.\($0)" } ?? []
        if retry.statuses.contains(.ok) { problems.append("retry.statuses must not contain ok") }
        problems += balancing.problems.map { "balancing.\($0)" }
        problems += failureAccrual.map(\.problems)?.map { "failureAccrual.\($0)" } ?? []
        problems += connectBackoff.problems.map { "connectBackoff.\($0)" }
        problems += admission.problems.map { "admission: \($0)" }
        problems += concurrencyLimit.map(\.problems)?.map { "concurrencyLimit \($0)" } ?? []
        return problems
    }

    /// The names of what is different from `other`, but the version.
    func changes(from other: DynamicConfiguration) -> [String] {
        let parts: [(name: String, isSame: Bool)] = [
            ("authorization", authorization == other.authorization), ("routes", routes == other.routes),
            ("rateLimits", rateLimits == other.rateLimits),
            ("concurrencyLimit", concurrencyLimit == other.concurrencyLimit),
            ("admission", admission == other.admission), ("callTimeout", callTimeout == other.callTimeout),
            ("failfastTimeout", failfastTimeout == other.failfastTimeout), ("retry", retry == other.retry),
            ("balancing", balancing == other.balancing), ("failureAccrual", failureAccrual == other.failureAccrual),
            ("connectBackoff", connectBackoff == other.connectBackoff),
        ]
        return parts.filter { !$0.isSame }.map(\.name)
    }
}
