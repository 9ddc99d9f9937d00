import ArgumentParser
import Coordination
import Identity
import MeshTransport
import MeshworkTesting
import ParameterServer

/// A worker: pulls parameters, computes gradients on its share of the examples, and pushes them.
enum WorkerRole: Role {
    static func configuration(in start: RoleConfiguration) -> RoleConfiguration.Worker? {
        guard case .worker(let configuration) = start else { return nil }
        return configuration
    }

    static func run(_ configuration: RoleConfiguration.Worker, control: RoleControl) async throws {
        let faults = SeededFaults(
            seed: configuration.faultSeed, replyLoss: configuration.replyLoss, losesFirstReply: true
        ) {
            $0 == "\(ParameterService.name)/Push"
        }
        let member = try await Member.join(
            configuration.membership, policy: .denyAll, configuration: transport(faults))
        let mesh = member.mesh
        try await member.whileRunning {
            try control.report(.ready(.init(spiffeID: mesh.identity.current.svid.spiffeID.description)))
            try control.report(
                .note(
                    "loses \(configuration.replyLoss * 100) % of its pushes' replies on purpose,"
                        + " seed \(configuration.faultSeed)"))
            let coordination = CoordinationClient(mesh, coordinator: member.coordinator)
            let session = try await coordination.openSession(slot: configuration.slot)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await coordination.keepAlive(session) }
                defer { group.cancelAll() }
                try await control.cancellingOnStop { command in
                    guard case .reportConnections = command else { return }
                    try control.report(.connections(mesh.connectionFigures))
                } body: {
                    try await train(configuration, session, coordination, faults, control)
                }
            }
        }
    }

    /// Replies are lost on purpose, so a lost one is noticed soon and asked for again often.
    private static func transport(_ faults: SeededFaults) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.faults = faults
        configuration.retry.attemptTimeout = .milliseconds(500)
        configuration.retry.maximumAttempts = 10
        return configuration
    }
}

/// `digits worker`, which the launcher starts.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    func run() async throws {
        throw ExitCode(try await RoleProcess.run(WorkerRole.self))
    }
}
