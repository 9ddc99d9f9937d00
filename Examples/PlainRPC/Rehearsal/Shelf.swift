import Identity
import MeshTransport
import Synchronization

/// One of several servers of a service, in this process, that can be broken and mended.
final class Shelf: Sendable {
    let endpoint: ServiceEndpoint
    private let mesh: Mesh
    private let state: State

    private final class State: Sendable {
        let isBroken = Atomic(false)
        let calls = Atomic(0)
    }

    /// Starts one, whose answers carry its `version`.
    init(version: UInt32, _ identity: StaticIdentitySource) async throws {
        let state = State()
        mesh = try Mesh(
            identity: identity,
            policy: try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule(
                    "customers look", methods: [Inventory.stock.path], identities: [SPIFFEIDs.customers])
            ]), logger: .errors)
        mesh.serve(Inventory.stock) { wanted, _ in
            state.calls.add(1, ordering: .relaxed)
            if state.isBroken.load(ordering: .relaxed) { throw CallFailure(.internalError, "the shelf is broken") }
            return Amount(version, of: wanted.item)
        }
        endpoint = ServiceEndpoint(try await mesh.listen(host: "127.0.0.1", port: 0).endpoint)
        self.state = state
    }

    /// Has its calls fail, or succeed again.
    func setBroken(_ isBroken: Bool) { state.isBroken.store(isBroken, ordering: .relaxed) }

    /// The calls that have come since the last time.
    func takeCalls() -> Int { state.calls.exchange(0, ordering: .relaxed) }

    func stop() async { await mesh.stop() }
}
