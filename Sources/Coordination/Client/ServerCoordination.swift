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

    /// Gives the server's sign of life; see ``keepServer(named:at:life:_:)``.
    func renewServer(
        named name: String, life: UInt64, timeout: Duration
    ) async throws(CoordinationError) -> RenewedServer

    /// Changes the chain of a partition; see ``CoordinationClient/changeChain(of:ifEpoch:_:server:)``.
    func changeChain(
        of partition: PartitionID, ifEpoch epoch: UInt64, _ change: ChainChange, server: String
    ) async throws(CoordinationError) -> PartitionMap.Partition

    /// Says that a server does not answer; see ``CoordinationClient/reportLoss(of:life:)``.
    func reportLoss(of server: String, life: UInt64) async throws(CoordinationError)

    /// Gives `body` the map as it is, and then each newer one; see ``CoordinationClient/watchMap(_:)``.
    func watchMap(_ body: (PartitionMap) async -> Void) async
}

extension ServerCoordination {
    /// Gives a server's signs of life until the task is cancelled, the mesh is stopped, or this life of the server is over.
    ///
    /// A coordinator that cannot be reached does not end it: training goes on without one. Where the coordinator has not
    /// heard of the server for too long, it registers again. To be run where nothing that computes is in its way.
    ///
    /// - Parameter takeFence: puts the fence in force that came with a new registration, before anybody hears of it.
    /// - Throws: ``CoordinationError`` with `serverSuperseded` or `notOwner`.
    package func keepServer(
        named name: String, at address: ListenerAddress, life: UInt64,
        _ takeFence: (SessionFence) async -> Void
    ) async throws(CoordinationError) {
        var heartbeat = Duration.milliseconds(250)
        while !Task.isCancelled, !mesh.isStopped {
            let start = mesh.runtime.now
            do throws(CoordinationError) {
                // An answer that comes later than the next sign of life is worth nothing.
                heartbeat = try await renewServer(named: name, life: life, timeout: heartbeat * 2).heartbeat
            } catch {
                switch error.code {
                case .serverSuperseded, .notOwner: throw error
                case .serverLost, .serverUnknown:
                    if let fence = try? await registerServer(named: name, at: address, life: life, recovered: []) {
                        await takeFence(fence)
                    }
                default: break
                }
            }
            guard (try? await mesh.runtime.sleep(until: start.advanced(by: heartbeat))) != nil else { return }
        }
    }
}

extension CoordinationClient: ServerCoordination {}
