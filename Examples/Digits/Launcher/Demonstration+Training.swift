import ProcessKit

/// A connection of one of the processes, as the process itself sees it.
typealias NamedConnection = (process: String, figures: RoleReport.ConnectionFigures)

extension Demonstration {
    /// Trains with a worker in each slot, kills one a third of the way in, and lets another take its slot. Half-way in
    /// a server is killed too, if that is wished for, and started again.
    ///
    /// - Returns: every process's connections, when the replacement was at work.
    func train(_ coordinator: MeshProcess, _ servers: [MeshProcess]) async throws -> [NamedConnection] {
        let dataPaths = [try Digits.imagesPath(), try Digits.labelsPath()]
        var workers: [MeshProcess] = []
        for slot in 0..<plan.slots {
            workers.append(
                try await launch.startWorker(slot, slot: slot, plan, dataPaths: dataPaths, coordinator: coordinator))
        }
        console.print(
            "Training on \(plan.examples) digits: \(plan.epochs) epochs, \(plan.stepsPerSlot) steps of"
                + " \(plan.batchSize) for each worker, seed \(plan.seed)")

        try await launch.training.reached(plan.totalSteps / 3)
        let victim = workers.removeLast()
        workers.append(
            try await launch.replace(
                victim, slot: plan.slots - 1, by: plan.slots, plan, dataPaths: dataPaths, coordinator: coordinator))

        try await launch.training.reached(plan.totalSteps / 2)
        var servers = servers
        if options.killServer {
            let last = servers.count - 1
            servers[last] = try await replace(servers[last], number: last, coordinator)
            // It is at work again when its workers have come further.
            try await launch.training.reached(plan.totalSteps * 3 / 5)
        }
        var connections: [NamedConnection] = []
        for process in [coordinator] + servers + workers {
            connections += try await process.connections().map { (process.member.name, $0) }
        }
        try await launch.finish(workers)
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
}
