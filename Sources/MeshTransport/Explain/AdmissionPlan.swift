public import Identity
import MeshWire

/// What would become of a call on its server's side: whether it is served, which rule lets it in or why none does, and
/// which limits it counts in.
///
/// ```swift
/// print(mesh.explain(inbound: "shop.Orders/Place", from: web))
/// ```
public struct AdmissionPlan: Sendable, Hashable, CustomStringConvertible {
    /// `service/method`, or an HTTP request's path.
    public let method: String
    /// Whether a handler of the mesh's own methods is there.
    public let isServed: Bool
    /// What the policy says.
    public let decision: AuthorizationPolicy.Decision
    /// Rules that name the method or the caller, and what of the call each does not allow: where nothing is allowed, one of
    /// them is often what was meant.
    public let nearMisses: [AuthorizationPolicy.NearMiss]
    /// The rate limits that it counts in, and how long it would have to wait for each now.
    public let rateLimits: [String: Duration]
    /// How many calls run, and how many may; `nil` where there is no limit.
    public let concurrency: Concurrency?

    /// The calls that run on a server.
    public struct Concurrency: Sendable, Hashable {
        /// Now.
        public let running: Int
        /// At most.
        public let limit: Int
    }

    /// A few lines for people.
    public var description: String {
        let says =
            switch decision {
            case .allow(let rule): "allowed by the rule \"\(rule)\""
            case .audit: "allowed only because the policy is being tried out"
            case .deny: "refused: no rule allows it"
            }
        var lines = ["\(method): \(says)\(isServed ? "" : "; not a method that is served here")"]
        lines += nearMisses.map { "  not by \($0)" }
        lines += rateLimits.sorted { $0.key < $1.key }.map { rule, wait in
            "  counts in the rate limit \"\(rule)\"" + (wait > .zero ? ": too many, for \(wait)" : "")
        }
        if let concurrency { lines.append("  \(concurrency.running) of \(concurrency.limit) calls run") }
        return lines.joined(separator: "\n")
    }
}

extension Mesh {
    /// What would become of a call to this mesh. Nothing runs and nothing counts.
    ///
    /// - Parameters:
    ///   - method: `service/method`, or an HTTP request's path.
    ///   - peer: who would call; `nil` for a caller that proves nothing.
    ///   - address: where it would call from; `nil` for a caller without an address.
    ///   - claims: what an interceptor would have verified of it.
    public func explain(
        inbound method: String, from peer: SPIFFEID?, at address: IPAddress? = nil, claims: [String: [String]] = [:]
    ) -> AdmissionPlan {
        server.plan(method, peer, address, claims)
    }
}

extension ServerCore {
    fileprivate func plan(
        _ method: String, _ peer: SPIFFEID?, _ address: IPAddress?, _ claims: [String: [String]]
    ) -> AdmissionPlan {
        let (decision, misses) = explained(method, peer, address, claims)
        return AdmissionPlan(
            method: method, isServed: registry.method(at: method) != nil, decision: decision, nearMisses: misses,
            rateLimits: waits(method, peer),
            concurrency: concurrency.counts(.unary)
                ? AdmissionPlan.Concurrency(running: concurrency.count, limit: concurrency.current) : nil)
    }
}
