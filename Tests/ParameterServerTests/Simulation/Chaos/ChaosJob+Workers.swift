import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor

@testable import ParameterServer

extension ChaosJob {
    /// How a worker's session ended.
    private enum Ending: Sendable {
        /// The job is over.
        case over
        /// Another has the slot.
        case fenced
        /// Its lease ran out: it opens another.
        case expired
    }

    /// Keeps a worker in a slot until the job is over or another has the slot.
    func superviseWorker(_ slot: Int) async throws {
        while !processes.isOver {
            let host = runtime.host(processes.newHost(of: "/worker/\(slot)"))
            do {
                guard try await host.run({ try await work(slot, on: host) }) != .fenced else { return }
            } catch is SimulatedHostDied {
                try await runtime.sleep(for: .milliseconds(80))
            }
        }
    }

    /// A worker's life: a session after the other.
    @concurrent
    private func work(_ slot: Int, on host: SimulatedHost) async throws -> Ending {
        let faults = SeededFaults(
            seed: runtime.randomBits(), replyLoss: 0.03, requestLoss: 0.03, requestDuplication: 0.05,
            isAffected: { $0 == ParameterService.push.path })
        let mesh = try cluster.mesh("/worker/\(slot)", faults: faults)
        let coordination = try cluster.coordination(mesh)
        while !processes.isOver {
            let session: WorkerSession
            do throws(CoordinationError) {
                session = try await coordination.openSession(slot: slot)
            } catch {
                runtime.record("\(host.name): no session: \(error.code)")
                try await host.sleep(for: .milliseconds(50))
                continue
            }
            runtime.record("\(host.name): session \(session.id)")
            model.opened(session)
            let ending = try await withThrowingTaskGroup(of: Ending.self) { group in
                group.addTask {
                    do {
                        try await coordination.keepAlive(session)
                    } catch let error as CoordinationError {
                        return error.code == .sessionFenced ? .fenced : .expired
                    }
                    return .over
                }
                group.addTask { try await self.train(session, coordination, on: host) }
                defer { group.cancelAll() }
                return try await group.next() ?? .over
            }
            runtime.record("\(host.name): \(ending)")
            guard ending == .expired else { return ending }
        }
        return .over
    }

    private func train(
        _ session: WorkerSession, _ coordination: CoordinationClient, on host: SimulatedHost
    ) async throws -> Ending {
        var configuration = ParameterClientConfiguration()
        configuration.timeout = Self.timeout
        let client = try ParameterClient(
            session, coordination, configuration: configuration, observer: model.notes.observer)
        defer { client.close() }
        let gradients = try NamedTensors([("weight", .full([8, 5], Float(1))), ("bias", .full([5], Float(1)))])
        var floors: [PartitionName: UInt64] = [:]
        var isDeclared = false
        while !processes.isOver, !Task.isCancelled {
            do throws(ParameterServerError) {
                if !isDeclared { try await client.declare(tables) }
                isDeclared = true
                let parameters = try await timed("pull", on: host) { () throws(ParameterServerError) in
                    try await client.pull()
                }
                try? model.pulled(parameters, after: floors, tables: tables)
            } catch {
                runtime.record("\(host.name): \(error.code)")
                try await host.sleep(for: .milliseconds(20))
                continue
            }
            let report = try await timed("push", on: host) { try await client.push(gradients) }
            model.pushed(report, slot: session.slot)
            runtime.record("\(host.name): \(report.acknowledged.count) answers, \(report.failed.map(\.error.code))")
            for answer in report.acknowledged { floors[answer.push.name] = answer.version.applied }
            if report.failed.contains(where: { $0.error.code == .sessionFenced }) { return .fenced }
            if report.failed.contains(where: { $0.error.code == .sessionExpired }) { return .expired }
            try await host.sleep(for: .microseconds(2_000 + Int64(host.randomBits() % 20_000)))
        }
        return .over
    }

    /// Holds what a request takes against its deadline, and the longest that its own process may have been stopped.
    private func timed<Result, Failure>(
        _ what: String, on host: SimulatedHost, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let start = host.now
        defer {
            let time = start.duration(to: host.now)
            if time > Self.timeout + .milliseconds(ChaosSchedule.longestStop + 200) {
                model.violated("a \(what) of \(host.name) took \(time), its deadline was \(Self.timeout)")
            }
        }
        return try await body()
    }

    private static let timeout = Duration.seconds(2)
}
