import Identity
import MeshTransport
import MeshWire
import NIOPosix
import Telemetry

/// What is switched on, each on top of those before it.
enum TaxStep: String, CaseIterable, CustomStringConvertible {
    /// One server at one address, one rule, no retries.
    case bare
    /// The server's policy has a thousand rules.
    case policy
    /// Calls may be repeated, within a budget.
    case retries
    /// Each call goes to the less busy of two of a hundred servers, by a client of its own: what it costs that calls share
    /// no connection, and with it no read, no write and no TLS record.
    case spread
    /// The hundred are endpoints of a service, with peak EWMA and failure accrual.
    case balancing
    /// An operator watches both sides for failed calls.
    case tap
    /// One trace in a hundred is recorded, all are handed on.
    case tracing

    var description: String { rawValue }
    var serverRole: String { "tax-server-\(rawValue)" }
    var clientRole: String { "tax-client-\(rawValue)" }

    /// The step and side of a peer's role.
    static func of(_ role: String) -> (step: TaxStep, isServer: Bool)? {
        for step in allCases {
            if role == step.serverRole { return (step, true) }
            if role == step.clientRole { return (step, false) }
        }
        return nil
    }

    private func includes(_ other: TaxStep) -> Bool {
        let all = Self.allCases
        guard let own = all.firstIndex(of: self), let asked = all.firstIndex(of: other) else { return false }
        return own >= asked
    }

    /// How many servers there are from ``spread`` on.
    static let endpoints = 100

    /// A server that listens on every address of the loopback network.
    func server(identity: any IdentitySource) throws -> Mesh {
        var rules: [AuthorizationPolicy.Rule] = []
        if includes(.policy) {
            rules = (0..<999).map { number in
                AuthorizationPolicy.Rule(
                    "rule \(number)", methods: ["service\(number % 100).Name/*", "bench.Method\(number)/Call"],
                    identities: ["spiffe://bench.example/workload/\(number)", "spiffe://bench.example/team\(number)/*"])
            }
        }
        rules.append(
            AuthorizationPolicy.Rule("bench", methods: ["*"], identities: ["spiffe://bench.example/*"]))
        let mesh = try Mesh(
            configuration: configuration(of: identity), identity: identity,
            policy: try AuthorizationPolicy(rules: rules), runtime: Self.runtime)
        mesh.serveInline(BenchmarkService.echo) { message, _ in message }
        mesh.serveInline(BenchmarkService.sink) { _, _ in EmptyMessage() }
        return mesh
    }

    /// The clients that the calls are spread over.
    ///
    /// - Parameter endpoints: how many servers there are from ``spread`` on.
    func clients(
        port: Int, identity: any IdentitySource, endpoints: Int = TaxStep.endpoints
    ) throws -> [MeshClient] {
        var configuration = try configuration(of: identity)
        if !includes(.retries) {
            configuration.retry.maximumAttempts = 1
            configuration.retry.budget = nil
        }
        let identities = [try IdentityPattern(parsing: "spiffe://bench.example/server")]
        var destinations = (1...(includes(.spread) ? endpoints : 1)).map {
            Destination(host: "127.0.0.\($0)", port: port, identities: identities)
        }
        if includes(.balancing) {
            let resolver = StaticResolver()
            resolver.set(
                (1...endpoints).map { ServiceEndpoint(.tcp(host: "127.0.0.\($0)", port: port)) }, of: "bench")
            configuration.resolver = resolver
            destinations = [Destination(service: "bench", identities: identities)]
        }
        let mesh = try Mesh(
            configuration: configuration, identity: identity, policy: .denyAll, runtime: Self.runtime)
        return destinations.map { mesh.client($0) }
    }

    private static var runtime: SystemRuntime {
        SystemRuntime(eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1))
    }

    private func configuration(of identity: any IdentitySource) throws -> MeshConfiguration {
        var configuration = MeshConfiguration()
        if includes(.tap) {
            var options = TapSubscriber.Options()
            options.filter = TapFilter(statuses: ["unavailable"])
            options.nanoseconds = .max
            _ = try configuration.telemetry.tap.watch(options, now: 0)
        }
        if includes(.tracing) {
            configuration.telemetry.tracing = TracingConfiguration(sink: SpanRing())
        }
        return configuration
    }
}
