import Foundation
package import Identity
import IdentityServices
package import Logging
package import MeshTransport
import Tensor

/// A process that has joined the mesh: its identity, which renews itself, and its mesh.
package struct Member: Sendable {
    package let mesh: Mesh
    /// Where the coordinator is, and who must answer there.
    package let coordinator: Destination
    private let renewal: IdentityRenewal

    /// Redeems the membership's token and makes the process's mesh.
    package static func join(
        _ membership: RoleConfiguration.Membership, policy: AuthorizationPolicy,
        configuration: MeshConfiguration = MeshConfiguration()
    ) async throws -> Member {
        // Kernels and what the mesh calls computing share one set of threads.
        let runtime = SystemRuntime(computeExecutor: ComputeExecutor.shared)
        let logger = ProcessLog.logger
        let authority = IdentityPattern.exact(try SPIFFEID(parsing: membership.coordinatorID))
        let identity = try await JoinClient.join(
            with: try JoinToken(parsing: membership.joinToken), host: membership.join.host,
            port: membership.join.port, expecting: authority, runtime: runtime, logger: logger)
        let mesh = try Mesh(
            configuration: configuration, identity: identity, policy: policy, runtime: runtime, logger: logger)
        let coordinator = Destination(
            host: membership.coordinator.host, port: membership.coordinator.port,
            identities: [authority])
        return Member(
            mesh: mesh, coordinator: coordinator,
            renewal: try IdentityRenewal(of: identity, on: mesh, authority: coordinator, logger: logger))
    }

    /// Serves and renews while `body` runs, and ends both after it.
    package func whileRunning<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await mesh.run() }
            group.addTask { try await renewal.run() }
            defer { group.cancelAll() }
            return try await body()
        }
    }
}

extension Mesh {
    /// The process's connections, as the launcher shows them.
    package var connectionFigures: [RoleReport.ConnectionFigures] {
        connections.map {
            RoleReport.ConnectionFigures(
                peer: $0.info.peer?.description ?? "none", tlsVersion: $0.info.tlsVersion,
                isInbound: $0.direction == .inbound)
        }
    }
}

/// What an example's processes log: errors, to standard error. Warnings are part of the play: the worker that is
/// killed on purpose makes some.
package enum ProcessLog {
    package static let logger: Logger = {
        var logger = Logger(
            label: ProcessInfo.processInfo.processName, factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        return logger
    }()
}
