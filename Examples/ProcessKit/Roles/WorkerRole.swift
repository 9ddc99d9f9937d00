import Coordination
import Identity
import MeshTransport
package import MeshWire
import MeshworkTesting
package import ParameterServer
import Telemetry

/// What the workers of an example train: the part of a worker's work that is its own.
package protocol TrainingJob: SendableMetatype {
    /// Makes the slot's steps, from the first that its predecessors have not made.
    static func train(
        _ configuration: RoleConfiguration.Worker, _ client: ParameterClient, on runtime: any Runtime,
        _ progress: ProgressReports
    ) async throws
}

/// A worker: pulls parameters, computes gradients on its share of the examples, and pushes them.
package enum WorkerRole<Job: TrainingJob>: Role {
    package static func configuration(in start: RoleConfiguration) -> RoleConfiguration.Worker? {
        guard case .worker(let configuration) = start else { return nil }
        return configuration
    }

    package static func run(_ configuration: RoleConfiguration.Worker, control: RoleControl) async throws {
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
                    let client = try ParameterClient(session, coordination, observer: observer(session.id, control))
                    try await Job.train(
                        configuration, client, on: mesh.runtime, ProgressReports(control, configuration))
                    try control.report(.finished(figures(mesh, faults)))
                    // The launcher may still ask for the connections; it says when to stop.
                    while !Task.isCancelled { try await mesh.runtime.sleep(for: .seconds(3600)) }
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

    /// Notes at the launcher what is about to leave, and what came back: it outlives this process.
    private static func observer(_ session: SessionID, _ control: RoleControl) -> PushObserver {
        @Sendable func noted(_ pushes: [PushIdentity]) -> RoleReport.NotedPushes {
            .init(session: session, pushes.map { ($0.partition, $0.sequence) })
        }
        return PushObserver(
            beforeFirstAttempt: { try control.report(.sending(noted($0))) },
            afterAcknowledgement: { try? control.report(.acknowledged(noted($0))) })
    }

    private static func figures(_ mesh: Mesh, _ faults: SeededFaults) -> RoleReport.WorkerFigures {
        let retries = mesh.metrics.counter(
            "mesh_retries_total", help: "Attempts beyond a call's first.", labels: "method")
        return .init(
            retries: Int(retries.series("\(ParameterService.name)/Push").value), repliesLost: faults.counts.repliesLost)
    }
}
