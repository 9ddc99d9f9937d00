import Identity
import MeshHTTP
import MeshTransport
import MeshworkTesting
import TestSupport

/// A mesh that listens on loopback, with callers `/operator`, whom the policy allows `paths`, and `/stranger`.
struct TestMesh {
    let authority: TestAuthority
    let identity: RotatableIdentity
    let mesh: Mesh
    let log = LogCapture()

    init(_ paths: [String], _ configuration: MeshConfiguration = .patient) throws {
        authority = try TestAuthority(runtime: SystemRuntime.shared)
        identity = try authority.identity("/server")
        mesh = try Mesh(
            configuration: configuration, identity: identity, policy: try Self.policy(paths, authority),
            runtime: SystemRuntime.shared, logger: log.logger)
    }

    static func policy(_ paths: [String], _ authority: TestAuthority) throws -> AuthorizationPolicy {
        try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "operators look", methods: paths, identities: [authority.id("/operator").description])
        ])
    }

    func listen() async throws -> Int {
        try await mesh.listen(host: "127.0.0.1", port: 0).port
    }

    /// Connects as `path`, or without a certificate, for the time of `body`.
    func connected<Result: Sendable>(
        to port: Int, as path: String? = "/operator", _ body: (HTTPTestClient) async throws -> Result
    ) async throws -> Result {
        try await HTTPTestClient.withConnection(
            to: port, as: try path.map { try authority.svid($0) }, trusting: authority.authority.rootCertificate, body)
    }
}
