import Identity
public import MeshWire

extension Mesh {
    /// A mesh for trying things out, in one process: a certificate authority in memory, an identity of its own, and a
    /// policy that lets this process call itself. The connections are as any other mesh's, mutual TLS 1.3.
    ///
    /// ```swift
    /// let mesh = try Mesh.development()
    /// mesh.serve(Greeting.greet) { name, call in … }
    /// let address = try await mesh.listen(host: "127.0.0.1", port: 0)
    /// let client = mesh.client(mesh.own(address))
    /// ```
    /// - Throws: ``MeshError/Code/invalidConfiguration``, or an `IdentityError` when no certificate can be made.
    public static func development(
        configuration: MeshConfiguration = MeshConfiguration(), runtime: any Runtime = SystemRuntime.shared
    ) throws -> Mesh {
        var generator = RuntimeRandomNumberGenerator(runtime)
        let now = runtime.unixTime
        let domain = try TrustDomain(parsing: "development.mesh")
        let authority = try CertificateAuthority(trustDomain: domain, now: now, using: &generator)
        let id = try SPIFFEID(domain, path: "/host")
        let svid = try authority.makeIdentity(
            for: try IssuanceAuthorization(spiffeID: id, dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"]),
            now: now, using: &generator)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("the process calls itself", methods: ["*"], identities: [id.description])
        ])
        return try Mesh(
            configuration: configuration, identity: StaticIdentitySource(svid: svid, bundle: try authority.bundle()),
            policy: policy, runtime: runtime)
    }

    /// This process as a destination, at a listener of its own.
    public func own(_ address: ListenerAddress) -> Destination { own(address.endpoint) }

    /// This process as a destination, at a listener of its own that speaks TLS.
    public func own(_ endpoint: Endpoint) -> Destination {
        Destination(endpoint, identities: [.exact(identity.current.svid.spiffeID)])
    }
}
