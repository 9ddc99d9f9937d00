/// A running process of the mesh: who answers, and where.
package struct MeshProcess: Sendable {
    package var member: FamilyMember
    package var spiffeID: String
    package var ports: [String: Int]

    /// Where it serves `purpose`.
    ///
    /// - Throws: `LaunchError` when it did not say so.
    package func endpoint(_ purpose: String) throws -> RoleConfiguration.Endpoint {
        guard let port = ports[purpose] else { throw LaunchError("\(member.name) named no port for \(purpose)") }
        return RoleConfiguration.Endpoint(port: port)
    }

    /// From the coordinator: a fresh one-time token, and what else a process needs to become a member.
    package func membership(for spiffeID: String) async throws -> RoleConfiguration.Membership {
        try member.process.control.send(.issueJoinToken(spiffeID: spiffeID))
        let token = try await member.answer { if case .joinToken(let token) = $0 { token } else { nil } }
        return RoleConfiguration.Membership(
            spiffeID: spiffeID, joinToken: token, join: try endpoint("join"), coordinator: try endpoint("mesh"),
            coordinatorID: self.spiffeID)
    }

    /// The connections that it holds now.
    package func connections() async throws -> [RoleReport.ConnectionFigures] {
        try member.process.control.send(.reportConnections)
        return try await member.answer { if case .connections(let figures) = $0 { figures } else { nil } }
    }
}
