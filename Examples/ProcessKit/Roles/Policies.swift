import Coordination
package import Identity
import IdentityServices
import ParameterServer

/// Who may call what, a process at a time; what is not named here is refused.
package struct Policies: Sendable {
    package let identities: Identities

    /// Of the processes of a trust domain.
    package init(_ identities: Identities) {
        self.identities = identities
    }

    /// Of the processes of a member's trust domain.
    package init(of membership: RoleConfiguration.Membership) throws {
        self.init(Identities(trustDomain: try SPIFFEID(parsing: membership.coordinatorID).trustDomain.description))
    }

    /// The coordinator's.
    package func coordinator() throws -> AuthorizationPolicy {
        let name = CoordinationService.name
        return try AuthorizationPolicy(rules: [
            .init("members renew", methods: ["\(IssuanceService.name)/*"], identities: [identities.everybody]),
            .init(
                "servers register",
                methods: [
                    "\(name)/RegisterServer", "\(name)/RenewServer", "\(name)/ChangeChain", "\(name)/FetchMap",
                    "\(name)/FollowMap", "\(name)/ReportLoss", "\(name)/FetchFence", "\(name)/LeaveServer",
                ], identities: [identities.servers]),
            .init(
                "workers take part",
                methods: [
                    "\(name)/OpenSession", "\(name)/RenewSession", "\(name)/CloseSession", "\(name)/DeclareTables",
                    "\(name)/DeclareManyTables", "\(name)/FetchMap", "\(name)/FollowMap", "\(name)/ReportLoss",
                ], identities: [identities.workers]),
            .init(
                "the launcher looks", methods: ["\(name)/FetchMap", "\(name)/FollowMap", "\(name)/ReportLoss"],
                identities: [identities.launcher]),
        ])
    }

    /// A parameter server's.
    package func server() throws -> AuthorizationPolicy {
        let name = ParameterService.name
        return try AuthorizationPolicy(rules: [
            .init(
                "the coordinator fences", methods: ["\(SessionFencing.name)/*"], identities: [identities.coordinator]),
            .init(
                "servers follow each other", methods: ["\(ReplicationService.name)/*"],
                identities: [identities.servers]),
            .init("workers train", methods: ["\(name)/Push", "\(name)/Pull"], identities: [identities.workers]),
            .init(
                "the launcher reads", methods: ["\(name)/Pull", "\(name)/Audit", "\(name)/AuditInParts"],
                identities: [identities.launcher]),
        ])
    }
}
