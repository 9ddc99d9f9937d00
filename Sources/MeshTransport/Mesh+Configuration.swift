public import Identity
import Logging
import MeshWire

/// What of a mesh may change while its calls run.
extension Mesh {
    /// What is in force now.
    public var dynamicConfiguration: DynamicConfiguration { inForce.current.configuration }

    /// Puts `configuration` in force, all of it at once: calls that begin afterwards go by it, those that are under way are
    /// not ended, but those that its policy does not allow.
    ///
    /// - Throws: ``MeshError/Code/invalidConfiguration`` that names every problem; what was in force stays.
    public func apply(_ configuration: DynamicConfiguration) throws(MeshError) {
        try apply(configuration, from: "host")
    }

    /// The same for one that comes from elsewhere.
    ///
    /// - Parameter source: where it comes from, for logs and metrics.
    package func apply(_ configuration: DynamicConfiguration, from source: String) throws(MeshError) {
        try change(from: source) { $0 = configuration }
    }

    /// Replaces the policy. Calls that are under way and that the new one does not allow end with
    /// ``/MeshWire/CallStatus/permissionDenied``, streams among them.
    public func setPolicy(_ policy: AuthorizationPolicy) {
        // A policy that there is has been found good.
        try? set { $0.authorization = policy }
    }

    /// Replaces the routes of the mesh's clients. Calls that are under way stay on theirs.
    ///
    /// - Throws: ``MeshError/Code/invalidConfiguration``; the old ones stay in force.
    public func setRoutes(_ policy: RoutePolicy) throws(MeshError) { try set { $0.routes = policy } }

    /// Replaces the rate limits; what has come so far counts on in rules that stay as they were.
    ///
    /// - Throws: ``MeshError/Code/invalidConfiguration``; the old ones stay in force.
    public func setRateLimits(_ policy: RateLimitPolicy) throws(MeshError) { try set { $0.rateLimits = policy } }

    /// Changes a part, after which the whole is no version that anybody knows.
    private func set(_ body: (inout DynamicConfiguration) -> Void) throws(MeshError) {
        try change(from: "host") { configuration in
            let old = configuration
            body(&configuration)
            if configuration != old { configuration.version = nil }
        }
    }

    private func change(
        from source: String, _ body: (inout DynamicConfiguration) -> Void
    ) throws(MeshError) {
        do throws(MeshError) {
            let changes = try inForce.change(body)
            configurationMetrics.succeeded(source, at: runtime.timeSince1970)
            guard let changes else { return }
            configurationMetrics.changed(source)
            logger.info(
                "configuration is in force",
                metadata: [
                    "source": "\(source)", "version": "\(changes.new.configuration.version ?? "none")",
                    "changed": "\(changes.names.joined(separator: " "))",
                ])
        } catch {
            configurationMetrics.rejected(source)
            throw error
        }
    }
}
