import Foundation

extension ChaosRun {
    /// Has everything of the schedule happen, and returns when all of it is over, but for the workers that came.
    ///
    /// - Parameter group: of the workers, whose tasks return false.
    func disturb(_ group: inout ThrowingTaskGroup<Bool, any Error>) async throws {
        let start = ContinuousClock.now
        var underWay = 0
        for entry in schedule.entries {
            try await Task.sleep(until: start + entry.start)
            if case .replaceWorker(let slot) = entry.disturbance {
                watch.began(entry.disturbance.kind)
                group.addTask {
                    try await superviseWorker(slot)
                    return false
                }
                watch.isOver(entry.disturbance.kind, of: .slot(slot))
                continue
            }
            guard fleet.begin(entry.disturbance.process) else { continue }
            watch.began(entry.disturbance.kind)
            underWay += 1
            group.addTask {
                let subject = try await perform(entry.disturbance)
                watch.isOver(entry.disturbance.kind, of: subject)
                fleet.end(entry.disturbance.process)
                return true
            }
        }
        while underWay > 0 {
            if try await group.next() == true { underWay -= 1 }
        }
    }

    /// - Returns: whose pushes show that it has been overcome.
    private func perform(_ disturbance: ChaosSchedule.Disturbance) async throws -> ChaosWatch.Subject {
        switch disturbance {
        case .killServer(let server, let away):
            try await kill(.server(server), away: away)
            try await startServer(server)
            return .server(server)
        case .stopServer(let server, let time):
            try await stop(fleet.process(at: .server(server)), for: time)
            return .server(server)
        case .isolateServer(let server, let isSilent, let time):
            try await change(.server(server), to: isSilent ? .silent : .refusing, for: time)
            return .server(server)
        case .slowServer(let server, let delay, let time):
            try await change(.server(server), to: .slow(delay), for: time)
            return .server(server)
        case .killWorker(let slot):
            fleet.worker(in: slot)?.signal(SIGKILL)
            return .slot(slot)
        case .stopWorker(let slot, let time):
            try await stop(fleet.worker(in: slot), for: time)
            return .slot(slot)
        case .replaceWorker(let slot):
            return .slot(slot)
        case .killCoordinator(let away):
            try await kill(.coordinator, away: away)
            try await startCoordinator()
            return .anybody
        case .stopCoordinator(let time):
            try await stop(fleet.process(at: .coordinator), for: time)
            return .anybody
        case .isolateCoordinator(let isSilent, let time):
            try await change(.coordinator, to: isSilent ? .silent : .refusing, for: time)
            return .anybody
        }
    }

    private func kill(_ place: ChaosFleet.Place, away: Duration) async throws {
        guard let process = fleet.process(at: place) else { return }
        fleet.set(nil, at: place)
        process.signal(SIGKILL)
        _ = try await ChaosFleet.offThePool { process.waitForEnd() }
        try await Task.sleep(for: away)
    }

    private func stop(_ process: PeerProcess?, for time: Duration) async throws {
        process?.signal(SIGSTOP)
        try await Task.sleep(for: time)
        process?.signal(SIGCONT)
    }

    private func change(_ place: ChaosFleet.Place, to weather: ChaosProxy.Weather, for time: Duration) async throws {
        let proxy = proxy(before: place)
        proxy.setWeather(weather)
        try await Task.sleep(for: time)
        proxy.setWeather(.fair)
    }
}
