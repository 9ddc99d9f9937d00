package import ArgumentParser
import Coordination
import Identity
import MeshTransport
import ParameterServer

/// A parameter server: holds partitions, applies pushes to them, and answers pulls and the audit.
enum ServerRole: Role {
    static func configuration(in start: RoleConfiguration) -> RoleConfiguration.Server? {
        guard case .server(let configuration) = start else { return nil }
        return configuration
    }

    static func run(_ configuration: RoleConfiguration.Server, control: RoleControl) async throws {
        let member = try await Member.join(
            configuration.membership, policy: try Policies(of: configuration.membership).server())
        let mesh = member.mesh
        let coordination = CoordinationClient(mesh, coordinator: member.coordinator)
        let spiffeID = mesh.identity.current.svid.spiffeID
        var settings = ParameterServerConfiguration()
        settings.log = configuration.logFolder.map { PartitionLogConfiguration(folder: $0) }
        let server = try ParameterServer(
            named: String(spiffeID.path.dropFirst()), on: mesh, coordination: coordination, configuration: settings,
            logger: ProcessLog.logger)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        try await member.whileRunning {
            try await server.register(at: address)
            try control.report(.ready(.init(spiffeID: spiffeID.description, ports: ["mesh": address.port])))
            try await control.untilStopped { command in
                guard case .reportConnections = command else { return }
                try control.report(.connections(mesh.connectionFigures))
            }
        }
    }
}

/// The subcommand `server`, which the launcher starts.
package struct ServerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "server", shouldDisplay: false)

    package init() {}

    package func run() async throws {
        throw ExitCode(try await RoleProcess.run(ServerRole.self))
    }
}
