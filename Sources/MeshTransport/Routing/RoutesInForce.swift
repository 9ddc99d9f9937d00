import MeshWire
import Synchronization

/// The routes that a mesh's clients follow now. Safe from any thread.
final class RoutesInForce: Sendable {
    private let table: Mutex<RouteTable?>
    private let changes = Atomic<UInt64>(0)
    private let retry: RetryConfiguration

    /// - Parameter configuration: one that has been validated.
    init(_ configuration: MeshConfiguration) {
        retry = configuration.retry
        let policy = configuration.routes
        table = Mutex(policy.routes.isEmpty ? nil : try? RouteTable(policy, retry: configuration.retry))
    }

    /// Counts the changes: what was found by an earlier table is looked for again.
    var number: UInt64 { changes.load(ordering: .acquiring) }

    /// The routes that may be for calls of a method.
    func candidates(method: String, destination: String) -> [RouteTable.Compiled] {
        table.withLock { $0 }?.candidates(method: method, destination: destination) ?? []
    }

    /// Replaces the routes.
    ///
    /// - Throws: ``MeshError/Code/invalidConfiguration``; the old ones stay in force.
    func set(_ policy: RoutePolicy) throws(MeshError) {
        let new = policy.routes.isEmpty ? nil : try RouteTable(policy, retry: retry)
        table.withLock { $0 = new }
        // Counted afterwards: who reads the new number and then looks finds the new routes.
        changes.wrappingAdd(1, ordering: .releasing)
    }
}
