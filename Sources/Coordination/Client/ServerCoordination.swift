package import Logging
package import MeshTransport
import MeshWire
import NIOCore

/// What a parameter server asks of its coordinator, wherever that is.
package protocol ServerCoordination: Sendable {
    /// How the server reaches others.
    var mesh: Mesh { get }

    /// Makes the server known under its name, with the functions that it has and the partitions that it has kept and
    /// goes on with, by the map of a version, and returns the fence to begin with.
    func registerServer(
        named name: String, at address: ListenerAddress, life: UInt64, functions: [String],
        recovered: [RecoveredPartition], mapVersion: UInt64
    ) async throws(CoordinationError) -> SessionFence

    /// Begins an epoch of a partition that this life of the server heads, in which nothing that was acknowledged before
    /// has to stand; returns its number.
    func rollBack(
        _ partition: PartitionID, headedBy server: String, life: UInt64
    ) async throws(CoordinationError) -> UInt64

    /// The tables and where their partitions are.
    func fetchMap() async throws(CoordinationError) -> PartitionMap

    /// The newest session of each slot.
    func fetchFence() async throws(CoordinationError) -> SessionFence

    /// Gives the server's sign of life; see ``keepServer(named:at:life:functions:logger:mayReturn:_:)``.
    func renewServer(
        named name: String, life: UInt64, timeout: Duration
    ) async throws(CoordinationError) -> RenewedServer

    /// Says that this life of the server leaves; see ``CoordinationClient/leaveServer(named:life:timeout:)``.
    func leaveServer(named name: String, life: UInt64, timeout: Duration) async throws(CoordinationError)

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
    /// Starts giving a server's signs of life, on an event loop, where nothing that computes is in their way. They end
    /// when the task is cancelled, the mesh is stopped, or this life of the server is over.
    ///
    /// A coordinator that cannot be reached does not end them: training goes on without one. Where the coordinator has
    /// not heard of the server for too long, it registers again.
    ///
    /// - Parameters:
    ///   - mayReturn: whether it is to register again; one that leaves is not.
    ///   - takeFence: puts the fence in force that came with a new registration.
    package func keepServer(
        named name: String, at address: ListenerAddress, life: UInt64, functions: [String], logger: Logger,
        mayReturn: @escaping @Sendable () -> Bool, _ takeFence: @escaping @Sendable (SessionFence) async -> Void
    ) -> Task<Void, Never> {
        let runtime = mesh.runtime
        return runtime.spawn(on: runtime.loopExecutor(for: runtime.eventLoopGroup.next())) {
            do throws(CoordinationError) {
                try await keepServer(
                    named: name, at: address, life: life, functions: functions, mayReturn, takeFence)
            } catch {
                logger.warning(
                    "server is not the one of its name any more",
                    metadata: ["server": "\(name)", "error": "\(error)"])
            }
        }
    }

    /// - Throws: ``CoordinationError`` with `serverSuperseded` or `notOwner`.
    private func keepServer(
        named name: String, at address: ListenerAddress, life: UInt64, functions: [String], _ mayReturn: () -> Bool,
        _ takeFence: (SessionFence) async -> Void
    ) async throws(CoordinationError) {
        // Until the coordinator has said how often.
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
                    guard mayReturn() else { return }
                    let fence = try? await registerServer(
                        named: name, at: address, life: life, functions: functions, recovered: [],
                        mapVersion: 0)
                    if let fence { await takeFence(fence) }
                default: break
                }
            }
            guard (try? await mesh.runtime.sleep(until: start.advanced(by: heartbeat))) != nil else { return }
        }
    }
}

extension CoordinationClient: ServerCoordination {}
