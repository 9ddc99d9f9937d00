/// A dynamic configuration that has been found good, as calls and connections need it. An immutable value, shared by
/// all who go by it.
final class ConfigurationSnapshot: Sendable {
    /// Tells it from those before: each has a higher one.
    let number: UInt64
    let configuration: DynamicConfiguration
    /// `nil` if there are no routes.
    let routes: RouteTable?
    /// `nil` if there are no limits.
    let rateLimits: RateLimits?

    /// - Parameter old: the one before, whose parts are kept where they are to be the same.
    /// - Throws: ``MeshError/Code/invalidConfiguration`` that lists every problem.
    init(_ configuration: DynamicConfiguration, after old: ConfigurationSnapshot? = nil) throws(MeshError) {
        try configuration.validate()
        number = (old?.number ?? 0) + 1
        self.configuration = configuration
        routes =
            configuration.routes.routes.isEmpty
            ? nil : try RouteTable(configuration.routes, retry: configuration.retry, keeping: old?.routes)
        rateLimits =
            configuration.rateLimits.rules.isEmpty
            ? nil : try RateLimits(configuration.rateLimits, keeping: old?.rateLimits)
    }

    /// The routes that may be for calls of a method.
    func routes(method: String, destination: String) -> [RouteTable.Compiled] {
        routes?.candidates(method: method, destination: destination) ?? []
    }
}
