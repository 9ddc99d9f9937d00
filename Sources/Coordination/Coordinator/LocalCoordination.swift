import Identity
package import MeshTransport

/// A coordinator in the server's own process: what the server asks of it, and the fences that it gives, are no calls.
package struct LocalCoordination: ServerCoordination {
    /// The mesh that both answer on.
    package var mesh: Mesh { coordinator.mesh }
    private let coordinator: Coordinator

    package init(_ coordinator: Coordinator) { self.coordinator = coordinator }

    /// Has fences given to the server of this life by `take`. It ends when the partitions have had their turns, which
    /// their bounded queues bound and the coordinator's `fenceTimeout` does not.
    package func giveFences(
        toLife life: UInt64, _ take: @escaping @Sendable (FenceOrder) async -> FenceReport
    ) {
        coordinator.servers.give(toLife: life, take)
    }

    package func registerServer(
        named name: String, at address: ListenerAddress, life: UInt64, recovered: [RecoveredPartition]
    ) async throws(CoordinationError) -> SessionFence {
        let server = ServerRecord(
            name: name, host: address.host, port: address.port, identity: mesh.identity.current.svid.spiffeID,
            life: life)
        return try await coordinator.register(ServerRegistration(server: server, recovered: recovered))
    }

    package func fetchMap() async throws(CoordinationError) -> PartitionMap { coordinator.map }

    package func fetchFence() async throws(CoordinationError) -> SessionFence { coordinator.fence }
}
