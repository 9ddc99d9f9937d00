import Foundation
import ProcessKit

/// The main job from end to end, a step a method, in the order in which they happen.
struct Demonstration: Sendable {
    let options: DemonstrationOptions
    let plan: TrainingPlan
    let launch: Launch
    /// Where servers keep their logs, if one is to be killed.
    let logs: String?

    var console: Console { launch.console }

    /// Runs it, whatever happens ending every process that it started.
    ///
    /// - Returns: the exit status: 0, or 1 when a push was not applied exactly once.
    static func run(_ options: DemonstrationOptions) async throws -> Int32 {
        let logs = options.killServer ? try PrivateFolder.make() : nil
        defer { if let logs { PrivateFolder.remove(logs) } }
        return try await Launch.run(Identities(trustDomain: "digits.example")) { launch in
            try await Demonstration(options: options, launch: launch, logs: logs).run()
        }
    }

    private init(options: DemonstrationOptions, launch: Launch, logs: String?) {
        self.options = options
        plan = TrainingPlan(examples: options.trainingExamples, epochs: options.epochs, seed: options.seed)
        self.launch = launch
        self.logs = logs
    }

    private func run() async throws -> Int32 {
        if options.port != 0 { try LoopbackPort.check(options.port) }
        let digits = try HeldOutDigits.read()
        let coordinator = try await startCoordinator()
        let launcher = try await coordinator.membership(for: launch.identities.launcher)
        return try await LauncherMesh.with(launcher) { mesh in
            let servers = try await startServers(coordinator)
            let clock = ContinuousClock()
            let start = clock.now
            let connections = try await train(coordinator, servers)
            let trainingTime = start.duration(to: clock.now)

            let accounts = try await mesh.partitionAccounts()
            let audit = launch.record.audit(accounts)
            console.show(audit, of: accounts)
            let directory = (options.summary as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let modelPath = (directory as NSString).appendingPathComponent("digits.safetensors")
            try await mesh.writeModel(to: modelPath)
            let trained = try digits.accuracy(ofModelAt: modelPath)
            console.print(
                "Held-out accuracy \(decimal(trained, digits: 4)) after \(decimal(trainingTime.seconds, digits: 1)) s;"
                    + " the model is \(modelPath)")

            let modelServer = try await startModelServer(coordinator, modelPath: modelPath)
            let answers = try await mesh.predict(digits, at: modelServer)
            let serving = ServingFigures(answers: answers, labels: digits.labels)
            show(serving, answers, digits)
            console.print("Prometheus metrics: https://localhost:\(try modelServer.endpoint("http").port)/metrics")
            let tlsVersion = try show(connections: connections + mesh.connections.map { ("launcher", $0) })

            let summary = DemonstrationSummary(
                accuracy: .init(trained: trained, served: serving.accuracy), pushes: .init(audit),
                partitions: accounts.map { .init($0) }, workersKilled: launch.family.killedCount(role: "worker"),
                serversKilled: launch.family.killedCount(role: "server"),
                trainingSeconds: trainingTime.seconds, serving: serving.summary, tlsVersion: tlsVersion,
                identities: [mesh.spiffeID] + launch.family.identities)
            try JSONFile.write(summary, to: options.summary)
            console.print("Figures: \(options.summary)")
            guard audit.findings.isEmpty else { return 1 }
            if options.serve { try await serve(modelServer, coordinator) }
            return 0
        }
    }
}
