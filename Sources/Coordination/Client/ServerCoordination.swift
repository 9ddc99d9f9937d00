package import MeshTransport

/// What a parameter server asks of its coordinator, wherever that is.
package protocol ServerCoordination: Sendable {
    /// How the server reaches others.
    var mesh: Mesh { get }

    /// Makes the server known under its name, with the partitions that it has kept and goes on with, and returns the fence
    /// to begin with.
    func registerServer(
        named name: String, at address: ListenerAddress, life: UInt64, recovered: [RecoveredPartition]
    ) async throws(CoordinationError) -> SessionFence

    /// The tables and where their partitions are.
    func fetchMap() async throws(CoordinationError) -> PartitionMap

    /// The newest session of each slot.
    func fetchFence() async throws(CoordinationError) -> SessionFence
}

extension CoordinationClient: ServerCoordination {}
