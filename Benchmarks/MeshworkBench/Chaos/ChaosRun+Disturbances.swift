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
                watch.waits(entry.disturbance.kind, for: entry.disturbance.subject)
                continue
            }
            guard fleet.begin(entry.disturbance.process) else { continue }
            watch.began(entry.disturbance.kind)
            underWay += 1
            group.addTask {
                let (kind, subject) = (entry.disturbance.kind, entry.disturbance.subject)
                // Followers take over while the server is away; what has none waits for it.
                let isTakenOver = if case .server = subject { options.followers > 0 } else { false }
                if isTakenOver { watch.waits(kind, for: subject) }
                try await perform(entry.disturbance)
                if !isTakenOver { watch.waits(kind, for: subject) }
                fleet.end(entry.disturbance.process)
                return true
            }
        }
        while underWay > 0 {
            if try await group.next() == true { underWay -= 1 }
        }
    }

    private func perform(_ disturbance: ChaosSchedule.Disturbance) async throws {
        switch disturbance {
        case .killServer(let server, let away):
            try await kill(.server(server), away: away)
            try await startServer(server)
        case .stopServer(let server, let time):
            try await stop(fleet.process(at: .server(server)), for: time)
        case .isolateServer(let server, true, let time) where namespaces != nil:
            try await cutLink(of: server, for: time)
        case .isolateServer(let server, let isSilent, let time):
            try await change(proxies(of: server), to: isSilent ? .silent : .refusing, for: time)
        case .slowServer(let server, let delay, let time):
            try await change(proxies(of: server), to: .slow(delay), for: time)
        case .killWorker(let slot):
            fleet.worker(in: slot)?.signal(SIGKILL)
        case .stopWorker(let slot, let time):
            try await stop(fleet.worker(in: slot), for: time)
        case .replaceWorker:
            // Not something that is over after a while.
            break
        case .killCoordinator(let away):
            try await kill(.coordinator, away: away)
            try await startCoordinator()
        case .stopCoordinator(let time):
            try await stop(fleet.process(at: .coordinator), for: time)
        case .isolateCoordinator(let isSilent, let time):
            try await change([coordinatorProxy], to: isSilent ? .silent : .refusing, for: time)
        }
    }

    /// Nothing that a server says or hears comes through for so long.
    private func cutLink(of server: Int, for time: Duration) async throws {
        guard let namespaces else { return }
        try await ChaosFleet.offThePool { try namespaces.setLink(of: server, isUp: false) }
        try await Task.sleep(for: time)
        try await ChaosFleet.offThePool { try namespaces.setLink(of: server, isUp: true) }
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

    private func change(_ proxies: [ChaosProxy], to weather: ChaosProxy.Weather, for time: Duration) async throws {
        for proxy in proxies { proxy.setWeather(weather) }
        try await Task.sleep(for: time)
        for proxy in proxies { proxy.setWeather(.fair) }
    }
}
