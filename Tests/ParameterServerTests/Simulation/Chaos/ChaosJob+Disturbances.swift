import Coordination
import MeshWire
import MeshworkTesting

extension ChaosJob {
    /// Has everything of a schedule happen, and returns when all of it is over, but for the workers that came.
    ///
    /// - Parameter group: of the job's workers, whose tasks return false.
    func disturb(_ schedule: ChaosSchedule, _ group: inout ThrowingTaskGroup<Bool, any Error>) async throws {
        let start = runtime.now
        var underWay = 0
        for entry in schedule.entries {
            try await runtime.sleep(until: start.advanced(by: entry.start))
            if case .replaceWorker(let slot) = entry.disturbance {
                runtime.record("\(entry.disturbance)")
                group.addTask {
                    try await superviseWorker(slot)
                    return false
                }
                continue
            }
            let subject = subject(of: entry.disturbance)
            guard !mayLose(entry.disturbance), processes.begin(subject) else { continue }
            runtime.record("\(entry.disturbance)")
            underWay += 1
            group.addTask {
                try await perform(entry.disturbance)
                processes.end(subject)
                return true
            }
        }
        while underWay > 0 {
            if try await group.next() == true { underWay -= 1 }
        }
    }

    /// Whom a disturbance happens to, one thing at a time: servers without logs are one.
    private func subject(of disturbance: ChaosSchedule.Disturbance) -> String {
        shape.sync == nil && disturbance.isOfServer ? "servers" : disturbance.process
    }

    /// Whether a server without a log may be the only one that has a partition.
    private func mayLose(_ disturbance: ChaosSchedule.Disturbance) -> Bool {
        guard shape.sync == nil, disturbance.isOfServer else { return false }
        let entries = processes.chains.entries
        return entries.isEmpty
            || entries.contains { $0.followers.count < shape.replicas || !$0.joining.isEmpty }
    }

    private func perform(_ disturbance: ChaosSchedule.Disturbance) async throws {
        switch disturbance {
        case .killServer(let server, let losesPower, let away):
            kill("/server/\(server)", losesPower: losesPower)
            try await runtime.sleep(for: away)
            try await startServer(server)
        case .stopServer(let server, let time):
            try await stop("/server/\(server)", for: time)
        case .spoilDisk(let server, let isFull, let time):
            let disk = runtime.host("/server/\(server)").disk
            var faults = Self.disk
            if isFull { faults.capacity = 1 } else { faults.failedSyncShare = 1 }
            disk.setFaults(faults)
            try await runtime.sleep(for: time)
            disk.setFaults(Self.disk)
            kill("/server/\(server)", losesPower: false)
            try await startServer(server)
        case .isolateServer(let server, let time):
            guard let endpoint = processes.endpoint(ofServer: server) else { return }
            runtime.partition(to: endpoint)
            try await isolate("/server/\(server)", for: time)
            runtime.heal(to: endpoint)
        case .killWorker(let slot):
            runtime.host(processes.host(of: "/worker/\(slot)")).kill()
        case .stopWorker(let slot, let time):
            try await stop(processes.host(of: "/worker/\(slot)"), for: time)
        case .isolateWorker(let slot, let time):
            try await isolate(processes.host(of: "/worker/\(slot)"), for: time)
        case .replaceWorker:
            // Not something that is over after a while.
            break
        case .killCoordinator(let losesPower, let away):
            processes.setCoordinatorAway(away)
            kill("/coordinator", losesPower: losesPower)
            try await runtime.sleep(for: away)
        case .stopCoordinator(let time):
            try await stop("/coordinator", for: time)
        case .setClock(let server, let ahead):
            let host = runtime.host(server.map { "/server/\($0)" } ?? "/coordinator")
            host.stepClock(by: ahead - (host.timeSince1970 - runtime.timeSince1970))
        }
    }

    private func kill(_ name: String, losesPower: Bool) {
        let host = runtime.host(name)
        host.kill()
        if losesPower { host.disk.crash() }
    }

    private func stop(_ name: String, for time: Duration) async throws {
        let host = runtime.host(name)
        host.pause()
        try await runtime.sleep(for: time)
        host.resume()
    }

    private func isolate(_ name: String, for time: Duration) async throws {
        runtime.partition(from: name)
        try await runtime.sleep(for: time)
        runtime.heal(from: name)
    }
}

extension ChaosSchedule.Disturbance {
    fileprivate var isOfServer: Bool {
        switch self {
        case .killServer, .stopServer, .spoilDisk, .isolateServer: true
        case .killWorker, .stopWorker, .isolateWorker, .replaceWorker, .killCoordinator, .stopCoordinator, .setClock:
            false
        }
    }

    /// Whom it happens to: one thing at a time.
    fileprivate var process: String {
        switch self {
        case .killServer(let server, _, _), .stopServer(let server, _), .spoilDisk(let server, _, _),
            .isolateServer(let server, _), .setClock(.some(let server), _):
            "server \(server)"
        case .killWorker(let slot), .stopWorker(let slot, _), .isolateWorker(let slot, _), .replaceWorker(let slot):
            "worker \(slot)"
        case .killCoordinator, .stopCoordinator, .setClock(.none, _): "coordinator"
        }
    }
}
