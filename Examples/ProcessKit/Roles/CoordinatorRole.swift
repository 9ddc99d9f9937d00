package import ArgumentParser
import Coordination
import Identity
import IdentityServices
import MeshTransport
import MeshWire

/// The coordinator: membership, sessions, the partition map, and the certificate authority with its join listener.
enum CoordinatorRole: Role {
    static func configuration(in start: RoleConfiguration) -> RoleConfiguration.Coordinator? {
        guard case .coordinator(let configuration) = start else { return nil }
        return configuration
    }

    static func run(_ configuration: RoleConfiguration.Coordinator, control: RoleControl) async throws {
        let runtime = SystemRuntime.shared
        let now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
        var generator = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority(
            trustDomain: try TrustDomain(parsing: configuration.trustDomain), now: now, using: &generator)
        let names = Names(lifetime: .seconds(configuration.certificateLifetimeSeconds))
        // Valid for as long as the root: nobody else could renew it.
        let own = try authority.makeIdentity(
            for: try Names(lifetime: authority.notAfter.since(now)).authorization(for: configuration.spiffeID),
            now: now, using: &generator)
        let mesh = try Mesh(
            identity: StaticIdentitySource(svid: own, bundle: try authority.bundle()),
            policy: try Policies(Identities(trustDomain: configuration.trustDomain)).coordinator(), runtime: runtime,
            logger: ProcessLog.logger)
        let issuance = try IssuanceServer(
            authority: authority, identity: own, runtime: runtime, metrics: mesh.metrics, logger: ProcessLog.logger)
        issuance.register(on: mesh)
        var settings = CoordinatorConfiguration()
        settings.slots = configuration.slots
        settings.serversBeforePlacement = configuration.serverCount
        let coordinator = try await Coordinator(on: mesh, configuration: settings, logger: ProcessLog.logger)
        let join = try await issuance.listen(host: "127.0.0.1", port: 0)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await mesh.run() }
            group.addTask { try await coordinator.run() }
            defer { group.cancelAll() }
            try control.report(
                .ready(
                    .init(spiffeID: own.spiffeID.description, ports: ["join": join.port, "mesh": address.port])))
            try await control.untilStopped { command in
                switch command {
                case .issueJoinToken(let spiffeID):
                    let token = try issuance.makeToken(for: try names.authorization(for: spiffeID))
                    try control.report(.joinToken(token.text))
                case .reportConnections:
                    try control.report(.connections(mesh.connectionFigures))
                case .start, .stop:
                    break
                }
            }
        }
        await issuance.stop()
    }

    /// What a process of an example may be certified as: everything is on the loopback interface.
    private struct Names {
        let lifetime: Duration

        func authorization(for spiffeID: String) throws -> IssuanceAuthorization {
            try IssuanceAuthorization(
                spiffeID: try SPIFFEID(parsing: spiffeID), dnsNames: ["localhost"],
                ipAddresses: ["127.0.0.1", "::1"], lifetime: lifetime)
        }
    }
}

/// The subcommand `coordinator`, which the launcher starts.
package struct CoordinatorCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "coordinator", shouldDisplay: false)

    package init() {}

    package func run() async throws {
        throw ExitCode(try await RoleProcess.run(CoordinatorRole.self))
    }
}
