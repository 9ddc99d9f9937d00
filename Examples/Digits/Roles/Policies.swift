import Coordination
import Identity
import IdentityServices
import ModelServing
import ParameterServer

/// Who may call what, a process at a time; what is not named here is refused.
enum Policies {
    private static let everybody = "spiffe://\(SPIFFEIDs.trustDomain)/*"
    private static let workers = "spiffe://\(SPIFFEIDs.trustDomain)/worker/*"
    private static let servers = "spiffe://\(SPIFFEIDs.trustDomain)/server/*"

    /// The coordinator's.
    static func coordinator() throws -> AuthorizationPolicy {
        let name = CoordinationService.name
        return try AuthorizationPolicy(rules: [
            .init("members renew", methods: ["\(IssuanceService.name)/*"], identities: [everybody]),
            .init(
                "servers register",
                methods: [
                    "\(name)/RegisterServer", "\(name)/RenewServer", "\(name)/ChangeChain", "\(name)/FetchMap",
                    "\(name)/WatchMap", "\(name)/ReportLoss", "\(name)/FetchFence",
                ], identities: [servers]),
            .init(
                "workers take part",
                methods: [
                    "\(name)/OpenSession", "\(name)/RenewSession", "\(name)/CloseSession", "\(name)/DeclareTables",
                    "\(name)/FetchMap", "\(name)/WatchMap", "\(name)/ReportLoss",
                ], identities: [workers]),
            .init(
                "the launcher looks", methods: ["\(name)/FetchMap", "\(name)/WatchMap", "\(name)/ReportLoss"],
                identities: [SPIFFEIDs.launcher]),
        ])
    }

    /// A parameter server's.
    static func server() throws -> AuthorizationPolicy {
        let name = ParameterService.name
        return try AuthorizationPolicy(rules: [
            .init("the coordinator fences", methods: ["\(SessionFencing.name)/*"], identities: [SPIFFEIDs.coordinator]),
            .init("servers follow each other", methods: ["\(ReplicationService.name)/*"], identities: [servers]),
            .init("workers train", methods: ["\(name)/Push", "\(name)/Pull"], identities: [workers]),
            .init("the launcher reads", methods: ["\(name)/Pull", "\(name)/Audit"], identities: [SPIFFEIDs.launcher]),
        ])
    }

    /// The model server's.
    static func modelServer() throws -> AuthorizationPolicy {
        try AuthorizationPolicy(rules: [
            .init(
                "predictions", methods: ["\(Inference.name)/Predict", "/v2", "/v2/*", "/metrics"],
                identities: [SPIFFEIDs.launcher, SPIFFEIDs.operator])
        ])
    }
}
