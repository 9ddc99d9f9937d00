import Coordination
import Identity
package import MeshTransport
package import ParameterServer

/// The launcher's own place in the mesh: it reads what the servers hold, like any other member.
package struct LauncherMesh: Sendable {
    package let mesh: Mesh
    package let reader: ParameterReader

    /// Joins, runs `body`, and leaves.
    package static func with<Result: Sendable>(
        _ membership: RoleConfiguration.Membership, _ body: @escaping @Sendable (LauncherMesh) async throws -> Result
    ) async throws -> Result {
        // It serves nothing.
        let member = try await Member.join(membership, policy: .denyAll)
        let mesh = LauncherMesh(
            mesh: member.mesh,
            reader: try ParameterReader(CoordinationClient(member.mesh, coordinator: member.coordinator)))
        return try await member.whileRunning { try await body(mesh) }
    }

    /// The SPIFFE ID of the launcher's certificate.
    package var spiffeID: String { mesh.identity.current.svid.spiffeID.description }

    /// The launcher's connections.
    package var connections: [RoleReport.ConnectionFigures] { mesh.connectionFigures }

    /// Every partition's account of its pushes, asked of its server over the mesh, in the order of names.
    package func partitionAccounts() async throws -> [PartitionAccount] {
        try await reader.accounts().sorted { $0.name < $1.name }
    }
}
