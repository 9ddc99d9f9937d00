import Identity
public import MeshWire

/// What would become of a call on its client's side, without making it: which route decides, where it may go, how often it
/// may be repeated, and which of the servers would be next.
///
/// ```swift
/// print(await client.explain(Orders.place, metadata: ["x-tester": "yes"]))
/// ```
public struct CallPlan: Sendable, Hashable, CustomStringConvertible {
    /// A place that the call may go to.
    public struct Backend: Sendable, Hashable {
        /// Where.
        public let destination: Destination
        /// Its share of such calls, 0 to 1.
        public let share: Double
        /// The method that is called there, `service/method`.
        public let method: String
        /// How its servers stand; empty for a destination that names one server.
        public let endpoints: [EndpointReport]
        /// Where the balancer would send a call now; `nil` if it would wait.
        public let next: Endpoint?
        /// How many calls may be repeated now; `nil` for any number.
        public let retriesLeft: Int?
        /// How its limit on calls under way stands; `nil` where there is none.
        public let admission: AdmissionReport?
    }

    /// `service/method`, as its caller means it.
    public let method: String
    /// The route that decides; `nil` if none does.
    public let route: String?
    /// Routes that name the method and are asked before, and whose conditions the call does not meet.
    public let passedRoutes: [String]
    /// Where it may go.
    public let backends: [Backend]
    /// Who would get a copy; `nil` for nobody.
    public let mirror: Destination?
    /// The longest that it may take, unless its caller says less.
    public let timeout: Duration
    /// How long an attempt may take that can be repeated.
    public let attemptTimeout: Duration
    /// Whether it bears repetition.
    public let retrySafety: RetrySafety
    /// The most attempts.
    public let maximumAttempts: Int
    /// The answers after which it is repeated although a server has run it, if its method is idempotent.
    public let retriedStatuses: Set<CallStatus>
    /// By what a server is picked.
    public let balancing: BalancingConfiguration.Policy

    /// A few lines for people.
    public var description: String {
        var lines = ["\(method): \(route.map { "by the route \"\($0)\"" } ?? "no route decides")"]
        for name in passedRoutes { lines.append("  not by the route \"\(name)\": its metadata is another") }
        lines.append(
            "  at most \(timeout), \(retrySafety), at most \(maximumAttempts) attempts of \(attemptTimeout)"
                + (retriedStatuses.isEmpty
                    ? "" : ", repeated after \(retriedStatuses.map(\.description).sorted().joined(separator: ", "))"))
        if let mirror { lines.append("  a copy to \(mirror)") }
        for backend in backends {
            let share = Int((backend.share * 100).rounded())
            let left = backend.retriesLeft.map { ", \($0) retries left" } ?? ""
            lines.append("  \(share) % to \(backend.destination) as \(backend.method), \(balancing)\(left)")
            if let admission = backend.admission { lines.append("    \(admission)") }
            if let next = backend.next { lines.append("    next: \(next)") }
            lines += backend.endpoints.map { "    \($0)" }
        }
        return lines.joined(separator: "\n")
    }
}

extension MeshClient {
    /// What would become of a call. Nothing is sent, and nothing counts; connections are not made either.
    ///
    /// - Parameters: as those of the call.
    public func explain<Kind, Request, Response>(
        _ method: MeshMethod<Kind, Request, Response>, metadata: Metadata = Metadata(), affinity: String? = nil
    ) async -> CallPlan {
        let (own, routes) = resolved(method)
        let index = routes.firstIndex { $0.compiled.matches(metadata) }
        let way = index.map { routes[$0] }
        let retry = way?.compiled.retry ?? configuration.retry
        let key = affinity.map { StableHash.of($0) }
        var backends: [CallPlan.Backend] = []
        if let way {
            for (backend, share) in way.shares {
                backends.append(await plan(backend.method, backend.place.pool, share, key))
            }
        } else {
            backends.append(await plan(own, pool, 1, key))
        }
        return CallPlan(
            method: method.path, route: way?.route.name,
            passedRoutes: routes[..<(index ?? routes.count)].map(\.route.name), backends: backends,
            mirror: way?.mirror?.configuration.destination,
            timeout: way?.route.timeout.map { min($0, configuration.callTimeout) } ?? configuration.callTimeout,
            attemptTimeout: retry.attemptTimeout, retrySafety: method.retry,
            maximumAttempts: retry.maximumAttempts, retriedStatuses: retry.statuses,
            balancing: configuration.balancing.policy)
    }

    private func plan(
        _ method: ClientMethod, _ pool: EndpointPool, _ share: Double, _ affinity: UInt64?
    ) async -> CallPlan.Backend {
        await pool.onLoop { pool in
            let now = pool.core.runtime.now
            return CallPlan.Backend(
                destination: pool.destination, share: share, method: method.path, endpoints: pool.report(now: now),
                next: pool.next(affinity: affinity, now: now), retriesLeft: pool.retryBudget.left(now: now),
                admission: pool.admission.report(.normal))
        }
    }
}

extension EndpointPool {
    /// Where the next call would go. On the event loop; nothing counts.
    fileprivate func next(affinity: UInt64?, now: RuntimeInstant) -> Endpoint? {
        if let only { return only.server.endpoint }
        // Copies: a pick moves both on.
        var (balancer, generator) = (balancer, generator)
        return balancer.pick(affinity: affinity, avoiding: Balancer.Tried(), now: now, using: &generator)
            .flatMap { endpoints[$0]?.server.endpoint }
    }
}
