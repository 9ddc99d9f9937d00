import Coordination
import Foundation
import Identity
import Logging
import MeshGRPC
import MeshTransport
import Optimizers
import ParameterServer
import Tensor

/// A certificate authority, and a parameter server with its coordinator on one mesh, all in this process's memory.
struct Deployment {
    let port: Int
    let coordinator: Coordinator
    private let mesh: Mesh
    private let authority: CertificateAuthority
    private let now: UnixTime

    static func start() async throws -> Deployment {
        let now = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds)
        var generator = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority(
            trustDomain: try TrustDomain(parsing: SPIFFEIDs.trustDomain), now: now, using: &generator)
        let mesh = try Mesh(
            identity: try source(SPIFFEIDs.server, authority, now), policy: try methods(), logger: .errors)
        try mesh.enableGRPC()

        let tables = try tables()
        var coordination = CoordinatorConfiguration()
        coordination.tablePolicy = tables
        let coordinator = try await Coordinator(on: mesh, configuration: coordination, logger: .errors)
        var configuration = ParameterServerConfiguration()
        configuration.tablePolicy = tables
        let server = try ParameterServer(standalone: coordinator, configuration: configuration, logger: .errors)
        let address = try await mesh.listen(host: "localhost", port: 0)
        try await server.register(at: address)

        let deployment = Deployment(
            port: address.port, coordinator: coordinator, mesh: mesh, authority: authority, now: now)
        try await deployment.declareReference()
        return deployment
    }

    /// Who may call what.
    private static func methods() throws -> AuthorizationPolicy {
        let (coordination, parameters) = (CoordinationService.name, ParameterService.name)
        return try AuthorizationPolicy(rules: [
            .init(
                "trainers and the operator take part",
                methods: [
                    "\(coordination)/OpenSession", "\(coordination)/RenewSession", "\(coordination)/CloseSession",
                    "\(coordination)/DeclareTables", "\(coordination)/FetchMap", "\(coordination)/WatchMap",
                    "\(coordination)/DeclareManyTables", "\(coordination)/FollowMap", "\(coordination)/ReportLoss",
                    "\(parameters)/*",
                ], identities: ["spiffe://\(SPIFFEIDs.trustDomain)/trainer/*", SPIFFEIDs.operator])
        ])
    }

    /// Who may do what with which tables.
    private static func tables() throws -> TablePolicy {
        try TablePolicy(rules: [
            .init(
                "trainers train tables of their own", tables: ["python/*"], verbs: [.push, .declare],
                identities: ["spiffe://\(SPIFFEIDs.trustDomain)/trainer/*"]),
            .init(
                "everybody looks", tables: ["*"], verbs: [.pull, .audit],
                identities: ["spiffe://\(SPIFFEIDs.trustDomain)/*"]),
            .init("the operator declares", tables: ["*"], verbs: [.declare], identities: [SPIFFEIDs.operator]),
        ])
    }

    /// A table that Python may only pull.
    private func declareReference() async throws {
        try await asOperator { client, _ in
            try await client.declare([
                try TableDeclaration(
                    name: "reference", shape: [4], initializer: .constant(1), key: RandomKey(seed: 1),
                    updateRule: .sgd(learningRate: 1))
            ])
        }
    }

    /// What the table that Python has trained holds, and what its partitions say of their pushes.
    ///
    /// The table is declared as Python declared it: that this is no conflict shows that both write the same bytes.
    func inspect() async throws -> [String] {
        try await asOperator { client, coordination in
            try await client.declare([
                try TableDeclaration(
                    name: "python/weight", shape: [10], initializer: .zeros, key: RandomKey(seed: 7),
                    updateRule: .sgd(learningRate: 0.5), partitioning: .count(3))
            ])
            let values = try await client.pull().tensor(named: "python/weight").scalars(as: Float.self)
            let reader = try ParameterReader(coordination)
            defer { reader.close() }
            let accounts = try await reader.accounts().filter { $0.name.table == "python/weight" }
            return ["values: \(values)"]
                + accounts.map { account in
                    "\(account.name): counter \(account.counter), applied \(account.appliedInLedger), "
                        + "rejected \(account.rejectedInLedger)"
                }
        }
    }

    private func asOperator<Result: Sendable>(
        _ body: @escaping @Sendable (ParameterClient, CoordinationClient) async throws -> Result
    ) async throws -> Result {
        let mesh = try Mesh(
            identity: try Self.source(SPIFFEIDs.operator, authority, now), policy: .denyAll, logger: .errors)
        let coordination = CoordinationClient(
            mesh,
            coordinator: Destination(
                host: "localhost", port: port, identities: [try IdentityPattern(parsing: SPIFFEIDs.server)]))
        let result = try await coordination.withSession { session in
            let client = try ParameterClient(session, coordination)
            defer { client.close() }
            return try await body(client, coordination)
        }
        await mesh.stop()
        return result
    }

    /// Writes an identity as PEM files to a folder that nobody else can look into.
    func writeCredentials(of spiffeID: String, to folder: URL) throws {
        let identity = try Self.source(spiffeID, authority, now).current
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try Data(identity.svid.chainPEM.utf8).write(to: folder.appending(path: "certificate.pem"))
        try identity.svid.withPrivateKeyPEM { try Data($0.utf8).write(to: folder.appending(path: "key.pem")) }
        try Data(identity.bundle.pem(of: identity.svid.spiffeID.trustDomain).utf8)
            .write(to: folder.appending(path: "roots.pem"))
    }

    func stop() async { await mesh.stop() }

    private static func source(
        _ spiffeID: String, _ authority: CertificateAuthority, _ now: UnixTime
    ) throws -> StaticIdentitySource {
        var generator = SystemRandomNumberGenerator()
        let authorization = try IssuanceAuthorization(
            spiffeID: try SPIFFEID(parsing: spiffeID), dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"])
        return StaticIdentitySource(
            svid: try authority.makeIdentity(for: authorization, now: now, using: &generator),
            bundle: try authority.bundle())
    }
}

extension Logger {
    /// Errors, to standard error: what is refused on purpose is part of the play.
    fileprivate static var errors: Logger {
        var logger = Logger(label: "python-client") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }
}
