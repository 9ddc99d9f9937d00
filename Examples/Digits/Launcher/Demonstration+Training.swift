/// A connection of one of the processes, as the process itself sees it.
typealias NamedConnection = (process: String, figures: RoleReport.ConnectionFigures)

extension Demonstration {
    /// How long a worker may take after the first half: the default run takes a minute in all.
    private static let longestTraining = Duration.seconds(3600)

    /// Trains with a worker in each slot, kills one a third of the way in, and lets another take its slot. Half-way in a
    /// server is killed too, if that is wished for, and started again.
    ///
    /// - Returns: every process's connections, when the replacement was at work.
    func train(_ coordinator: MeshProcess, _ servers: [MeshProcess]) async throws -> [NamedConnection] {
        var workers: [MeshProcess] = []
        for slot in 0..<plan.slots { workers.append(try await startWorker(slot, slot: slot, coordinator: coordinator)) }
        console.print(
            "Training on \(plan.examples) digits: \(plan.epochs) epochs, \(plan.stepsPerSlot) steps of"
                + " \(plan.batchSize) for each worker, seed \(plan.seed)")

        try await training.reached(plan.totalSteps / 3)
        let victim = workers.removeLast()
        victim.member.process.kill()
        // What it noted before it died is read to the end: the audit needs all of it.
        let status = await victim.member.drained()
        training.lose(victim.member.name)
        let slot = plan.slots - 1
        console.print(
            "Lost \(victim.member.name) after \(training.steps(of: slot)) steps: it \(status)."
                + " Another takes slot \(slot).")
        workers.append(try await startWorker(plan.slots, slot: slot, coordinator: coordinator))

        try await training.reached(plan.totalSteps / 2)
        var servers = servers
        if options.killServer {
            let last = servers.count - 1
            servers[last] = try await replace(servers[last], number: last, coordinator)
            // It is at work again when its workers have come further.
            try await training.reached(plan.totalSteps * 3 / 5)
        }
        var connections: [NamedConnection] = []
        for process in [coordinator] + servers + workers {
            connections += try await self.connections(of: process)
        }
        for worker in workers {
            let figures = try await worker.member.answer(within: Self.longestTraining) {
                if case .finished(let figures) = $0 { figures } else { nil }
            }
            console.print(
                "\(worker.member.name) finished: \(figures.repliesLost) replies lost on purpose,"
                    + " \(figures.retries) retries")
            worker.member.process.stop()
            _ = await worker.member.drained()
        }
        console.settle()
        return connections
    }

    /// Kills a server, and starts it again from its log.
    private func replace(
        _ server: MeshProcess, number: Int, _ coordinator: MeshProcess
    ) async throws -> MeshProcess {
        server.member.process.kill()
        let status = await server.member.drained()
        console.print("Lost \(server.member.name): it \(status). It starts again, from its log.")
        return try await startServer(number, coordinator)
    }

    private func connections(of process: MeshProcess) async throws -> [NamedConnection] {
        try process.member.process.control.send(.reportConnections)
        let figures = try await process.member.answer {
            if case .connections(let figures) = $0 { figures } else { nil }
        }
        return figures.map { (process.member.name, $0) }
    }
}
