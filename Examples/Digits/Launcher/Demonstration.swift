import Foundation

/// The main job from end to end, a step a method, in the order in which they happen.
struct Demonstration: Sendable {
    let options: DemonstrationOptions
    let plan: TrainingPlan
    let console: Console
    let family: ChildFamily
    let record: PushRecord
    let training: TrainingWatch
    /// Where servers keep their logs, if one is to be killed.
    let logs: String?

    /// Runs it, whatever happens ending every process that it started.
    ///
    /// - Returns: the exit status: 0, or 1 when a push was not applied exactly once.
    static func run(_ options: DemonstrationOptions) async throws -> Int32 {
        let console = Console.standardOutput()
        let record = PushRecord()
        let training = TrainingWatch(board: ProgressBoard(console: console))
        guard let executable = Bundle.main.executablePath else { throw DigitsError("the program cannot find itself") }
        let logs = options.killServer ? try PrivateFolder.make() : nil
        defer { if let logs { PrivateFolder.remove(logs) } }
        do {
            return try await ChildFamily.with(executable: executable) { child, report in
                switch report {
                case .sending(let notes): record.noteSending(notes)
                case .acknowledged(let notes): record.noteAcknowledged(notes)
                case .progress(let progress): training.note(child.name, progress)
                case .note(let text): console.print("  \(child.name): \(text)")
                // Answers go to whoever asked; the family keeps them.
                case .ready, .joinToken, .finished, .connections, .failed: break
                }
            } body: { family in
                let demonstration = Demonstration(
                    options: options, console: console, family: family, record: record, training: training,
                    logs: logs)
                return try await demonstration.run()
            }
        } catch let stop as StopSignals.Received {
            console.settle()
            console.print("Stopped; every process that was started has ended.")
            return stop.exitStatus
        }
    }

    private init(
        options: DemonstrationOptions, console: Console, family: ChildFamily, record: PushRecord,
        training: TrainingWatch, logs: String?
    ) {
        self.options = options
        plan = TrainingPlan(examples: options.trainingExamples, epochs: options.epochs, seed: options.seed)
        self.console = console
        self.family = family
        self.record = record
        self.training = training
        self.logs = logs
    }

    private func run() async throws -> Int32 {
        if options.port != 0 { try LoopbackPort.check(options.port) }
        let digits = try HeldOutDigits.read()
        let coordinator = try await startCoordinator()
        let launcher = try await coordinator.membership(for: SPIFFEIDs.launcher)
        return try await LauncherMesh.with(launcher) { mesh in
            let servers = try await startServers(coordinator)
            let clock = ContinuousClock()
            let start = clock.now
            let connections = try await train(coordinator, servers)
            let trainingTime = start.duration(to: clock.now)

            let accounts = try await mesh.partitionAccounts()
            let audit = record.audit(accounts)
            let partitions = accounts.map { DemonstrationSummary.Partition($0) }
            show(audit, of: partitions)
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
                partitions: partitions, workersKilled: family.killedCount(role: "worker"),
                serversKilled: family.killedCount(role: "server"),
                trainingSeconds: trainingTime.seconds, serving: serving.summary, tlsVersion: tlsVersion,
                identities: [mesh.spiffeID] + family.identities)
            try summary.write(to: options.summary)
            console.print("Figures: \(options.summary)")
            guard audit.findings.isEmpty else { return 1 }
            if options.serve { try await serve(modelServer, coordinator) }
            return 0
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { self / .seconds(1) }
}
