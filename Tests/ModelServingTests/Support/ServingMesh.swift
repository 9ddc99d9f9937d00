import Identity
import MeshHTTP
import MeshTransport
import MeshworkTesting
import ModelServing
import Tensor

/// A mesh that serves the test models on loopback, over the mesh and over HTTP, to `/client`; `/stranger` is a member
/// that may do nothing.
struct ServingMesh {
    let authority: TestAuthority
    let mesh: Mesh
    let registry: ModelRegistry
    let port: Int

    /// Runs `body` with a mesh that listens, and stops it.
    static func running<Result: Sendable>(
        http: HTTPConfiguration = HTTPConfiguration(), _ body: (ServingMesh) async throws -> Result
    ) async throws -> Result {
        let serving = try await ServingMesh(http)
        let result: Result
        do {
            result = try await body(serving)
        } catch {
            await serving.stop()
            throw error
        }
        await serving.stop()
        return result
    }

    private init(_ http: HTTPConfiguration) async throws {
        let runtime = SystemRuntime(computeExecutor: ComputeExecutor.shared)
        authority = try TestAuthority(runtime: runtime)
        mesh = try Mesh(
            identity: authority.identity("/server"),
            policy: try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule(
                    "clients predict", methods: ["meshwork.serving.Inference/Predict", "/v2", "/v2/*", "/metrics"],
                    identities: [authority.id("/client").description])
            ]), runtime: runtime)
        let registry = ModelRegistry(runtime: mesh.runtime, metrics: mesh.metrics)
        let models = ModelServer(registry, on: mesh)
        let metrics = mesh.metrics
        try HTTPFront(on: mesh, configuration: http) { router in
            router.addInference(models)
            router.addMetrics(metrics)
        }
        self.registry = registry
        port = try await mesh.listen(host: "127.0.0.1", port: 0).port
    }

    private func stop() async { await mesh.stop() }

    /// Calls over the mesh as `path`.
    func client<Result: Sendable>(
        as path: String = "/client", _ body: (MeshClient) async throws -> Result
    ) async throws -> Result {
        let caller = try Mesh(identity: authority.identity(path), policy: .denyAll, runtime: mesh.runtime)
        let client = caller.client(
            Destination(host: "127.0.0.1", port: port, identities: [.exact(try authority.id("/server"))]))
        let result: Result
        do {
            result = try await body(client)
        } catch {
            client.close()
            throw error
        }
        client.close()
        return result
    }

    /// Asks over HTTP as `path`.
    func http<Result: Sendable>(
        as path: String = "/client", _ body: (HTTPTestClient) async throws -> Result
    ) async throws -> Result {
        try await HTTPTestClient.withConnection(
            to: port, as: try authority.svid(path), trusting: authority.authority.rootCertificate, body)
    }
}
