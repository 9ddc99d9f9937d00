import ProcessKit

/// The example from end to end.
struct Recommendation: Sendable {
    static let serverCount = 3
    private static let slots = 3
    /// The area under the curve that the model has to reach.
    private static let bar = 0.9

    let options: RecommenderOptions
    let plan: TrainingPlan
    let launch: Launch
    /// The file of the records.
    let dataPath: String

    var console: Console { launch.console }

    /// Runs it, whatever happens ending every process that it started.
    ///
    /// - Returns: the exit status: 0, or 1 when a push was not applied exactly once or the model is too bad.
    static func run(_ options: RecommenderOptions) async throws -> Int32 {
        let path = try Recommender.dataPath()
        return try await Launch.run(Identities(trustDomain: "recommender.example")) { launch in
            try await Recommendation(options: options, launch: launch, dataPath: path).run()
        }
    }

    private init(options: RecommenderOptions, launch: Launch, dataPath: String) {
        self.options = options
        plan = TrainingPlan(
            examples: Census.trainingCount, epochs: options.epochs, slots: Self.slots, learningRate: 2e-3,
            seed: options.seed)
        self.launch = launch
        self.dataPath = dataPath
    }

    private func run() async throws -> Int32 {
        let heldOut = try HeldOutRecords(Census(path: dataPath))
        let coordinator = try await launch.startCoordinator(servers: Self.serverCount, slots: plan.slots)
        let launcher = try await coordinator.membership(for: launch.identities.launcher)
        return try await LauncherMesh.with(launcher) { mesh in
            let clock = ContinuousClock()
            let start = clock.now
            var curve = try await train(coordinator) { try await heldOut.area(of: mesh) }
            let area = try await heldOut.area(of: mesh)
            curve.append(.init(steps: plan.totalSteps, area: area))
            let trainingTime = start.duration(to: clock.now)

            let accounts = try await mesh.partitionAccounts()
            let audit = launch.record.audit(accounts)
            console.show(audit, of: accounts)
            let summary = RecommendationSummary(
                area: area, curve: curve, pushes: PushFigures(audit),
                workersKilled: launch.family.killedCount(role: "worker"),
                serversKilled: launch.family.killedCount(role: "server"), trainingSeconds: trainingTime.seconds)
            try JSONFile.write(summary, to: options.summary)
            console.print(
                "AUROC \(decimal(area, digits: 4)) on \(heldOut.count) held-out records after"
                    + " \(decimal(trainingTime.seconds, digits: 1)) s", "Figures: \(options.summary)")
            guard area >= Self.bar else {
                console.print("WRONG: the model has to reach an AUROC of \(Self.bar)")
                return 1
            }
            return audit.findings.isEmpty ? 0 : 1
        }
    }

    /// Trains with a worker in each slot. Three tenths of the way in a worker is killed and another takes its slot,
    /// half-way in a server is killed, and at seven tenths it starts again, with nothing of what it had.
    ///
    /// - Parameter area: measures the model that the servers hold.
    /// - Returns: how good the model was at each tenth of the way but the last.
    private func train(
        _ coordinator: MeshProcess, _ area: () async throws -> Double
    ) async throws -> [RecommendationSummary.Point] {
        var servers: [MeshProcess] = []
        for index in 0..<Self.serverCount {
            servers.append(try await launch.startServer(index, coordinator: coordinator))
        }
        var workers: [MeshProcess] = []
        for slot in 0..<plan.slots {
            workers.append(
                try await launch.startWorker(
                    slot, slot: slot, plan, dataPaths: [dataPath], coordinator: coordinator))
        }
        console.print(
            "Training on \(plan.examples) records: \(plan.epochs) epochs, \(plan.stepsPerSlot) steps of"
                + " \(plan.batchSize) for each worker, seed \(plan.seed)")
        var curve: [RecommendationSummary.Point] = []
        for tenth in 1..<10 {
            let steps = plan.totalSteps * tenth / 10
            try await launch.training.reached(steps)
            switch tenth {
            case 3:
                let victim = workers.removeLast()
                workers.append(
                    try await launch.replace(
                        victim, slot: plan.slots - 1, by: plan.slots, plan, dataPaths: [dataPath],
                        coordinator: coordinator))
            case 5:
                let victim = servers.removeLast()
                victim.member.process.kill()
                let status = await victim.member.drained()
                console.print("Lost \(victim.member.name): it \(status). Its partitions' followers go on.")
            case 7:
                servers.append(try await launch.startServer(Self.serverCount - 1, coordinator: coordinator))
            default:
                break
            }
            curve.append(.init(steps: steps, area: try await area()))
            console.print("AUROC \(decimal(curve[curve.count - 1].area, digits: 4)) after \(steps) steps")
        }
        try await launch.finish(workers)
        return curve
    }
}
