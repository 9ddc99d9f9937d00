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
        named name: String, at address: ListenerAddress, life: UInt64, functions: [String],
        recovered: [RecoveredPartition], mapVersion: UInt64
    ) async throws(CoordinationError) -> SessionFence {
        let server = ServerRecord(
            name: name, host: address.host, port: address.port, identity: mesh.identity.current.svid.spiffeID,
            life: life, functions: functions)
        return try await coordinator.register(
            ServerRegistration(server: server, recovered: recovered, mapVersion: mapVersion))
    }

    package func rollBack(
        _ partition: PartitionID, headedBy server: String, life: UInt64
    ) async throws(CoordinationError) -> UInt64 {
        try await coordinator.rollBack(RollBackRequest(partition: partition, server: server, life: life))
    }

    package func fetchMap() async throws(CoordinationError) -> PartitionMap { coordinator.map }

    package func fetchFence() async throws(CoordinationError) -> SessionFence { coordinator.fence }

    package func renewServer(
        named name: String, life: UInt64, timeout: Duration
    ) async throws(CoordinationError) -> RenewedServer {
        try coordinator.renewServer(ServerLife(name: name, life: life), owner: owner)
    }

    package func leaveServer(
        named name: String, life: UInt64, timeout: Duration
    ) async throws(CoordinationError) {
        try await coordinator.leave(
            ServerLife(name: name, life: life), owner: owner, until: mesh.runtime.now.advanced(by: timeout))
    }

    package func changeChain(
        of partition: PartitionID, ifEpoch epoch: UInt64, _ change: ChainChange, server: String
    ) async throws(CoordinationError) -> PartitionMap.Partition {
        let request = ChainRequest(partition: partition, epoch: epoch, change: change, server: server)
        return try await coordinator.changeChain(request, owner: owner).entry(of: request)
    }

    package func reportLoss(of server: String, life: UInt64) async throws(CoordinationError) {
        await coordinator.report(ServerLife(name: server, life: life))
    }

    package func watchMap(_ body: (PartitionMap) async -> Void) async {
        await coordinator.state.maps.forEach(body)
    }

    private var owner: SPIFFEID { mesh.identity.current.svid.spiffeID }
}
