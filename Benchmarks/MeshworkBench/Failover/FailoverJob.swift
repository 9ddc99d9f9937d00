import Coordination
import Foundation
import Identity
import ParameterServer

/// A coordinator, three servers of which each partition has two, and two workers, which push all the time: processes of
/// their own but for the workers, and a proxy before each server, and before the coordinator for each server.
///
/// Nothing has a log: what survives, followers have. Used by one task at a time.
final class FailoverJob {
    private static let servers = 3
    private static let workers = 2
    private static let followers = 1

    private let identities: BenchmarkIdentities
    private let inward: [ChaosProxy]
    private let outward: [ChaosProxy]
    private let coordinator: PeerProcess
    private let coordination: CoordinationClient
    private var processes: [PeerProcess] = []
    let probe: FailoverProbe

    /// Runs `body` beside a job, and ends the job's processes whatever happens.
    static func with(_ body: (FailoverJob) async throws -> Void) async throws {
        let job = try await FailoverJob()
        do {
            let (proxies, probe, session) = (job.inward + job.outward, job.probe, job.coordination)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for proxy in proxies { group.addTask { try await proxy.run() } }
                for server in 0..<servers { job.processes.append(try await job.start(server)) }
                for slot in 0..<workers { group.addTask { await probe.work(slot, session, followers: followers) } }
                try await job.waitUntilWhole()
                try await body(job)
                group.cancelAll()
            }
            await job.stop()
        } catch {
            await job.stop()
            throw error
        }
    }

    private init() async throws {
        identities = try BenchmarkIdentities()
        probe = FailoverProbe(workers: Self.workers)
        var role = ChaosRole()
        role.servers = Self.servers
        role.leaseSeconds = Self.leaseSeconds
        role.attemptMilliseconds = nil
        coordinator = try await PeerProcess.start("chaos-coordinator", role, as: identities.server.current)
        var (inward, outward): ([ChaosProxy], [ChaosProxy]) = ([], [])
        for _ in 0..<Self.servers {
            inward.append(try await ChaosProxy(seed: 1))
            outward.append(try await ChaosProxy(seed: 1))
        }
        for proxy in inward + outward { proxy.setWeather(.clear) }
        for proxy in outward { proxy.setTarget(coordinator.port) }
        (self.inward, self.outward) = (inward, outward)
        role.coordinator = coordinator.port
        coordination = try role.coordination(try role.mesh(identities.client))
    }

    /// Workers' sessions must outlive it that nobody but one process runs for a while.
    private static let leaseSeconds: Int64 = 60

    private func start(_ server: Int) async throws -> PeerProcess {
        var role = ChaosRole()
        role.coordinator = outward[server].port
        role.ownProxy = inward[server].port
        role.number = server
        role.attemptMilliseconds = nil
        let process = try await PeerProcess.start("chaos-server", role, as: identities.server.current)
        inward[server].setTarget(process.port)
        return process
    }

    private func stop() async {
        let all = processes + [coordinator]
        coordination.closeConnection()
        _ = try? await ChaosFleet.offThePool { for process in all { process.stop() } }
    }

    // MARK: Failures

    /// The server that heads the first partition.
    func head() async throws -> Int {
        guard let head = try await coordination.fetchMap().tables.first?.partitions.first?.head,
            let number = Int(head.dropFirst("server-".count))
        else { throw BenchmarkFailure("no partition has a head") }
        return number
    }

    /// Has something happen to the server that heads the first partition and be over again, and waits until every
    /// partition has its follower back.
    ///
    /// - Returns: the seconds from the failure until each worker had made a step that began after it.
    func fail(_ failure: FailoverFailure) async throws -> Double {
        let victim = try await head()
        let process = processes[victim]
        let start = ContinuousClock.now
        switch failure {
        case .killed: process.signal(SIGKILL)
        case .stopped: process.signal(SIGSTOP)
        case .cutOff: for proxy in [inward[victim], outward[victim]] { proxy.setWeather(.silent) }
        }
        let seconds = try await probe.flows(after: start)
        switch failure {
        case .killed:
            _ = try await ChaosFleet.offThePool { process.waitForEnd() }
            processes[victim] = try await self.start(victim)
        case .stopped: process.signal(SIGCONT)
        case .cutOff: for proxy in [inward[victim], outward[victim]] { proxy.setWeather(.clear) }
        }
        try await waitUntilWhole()
        return seconds
    }

    /// Gives the server that heads the first partition no processor time, until it counts as lost and another heads its
    /// partitions, or for 30 s; then waits until every partition has its follower back.
    ///
    /// - Returns: whether another server took over.
    func starve() async throws -> Bool {
        let victim = try await head()
        let hog = try ProcessorHog(starving: processes[victim].identifier)
        defer { hog.stop() }
        var hasFailedOver = false
        for _ in 0..<300 where !hasFailedOver {
            try await Task.sleep(for: .milliseconds(100))
            hasFailedOver = try await head() != victim
        }
        hog.stop()
        try await waitUntilWhole()
        return hasFailedOver
    }

    private func waitUntilWhole() async throws {
        let map = try await coordination.wholeMap(within: .seconds(60)) {
            !$0.tables.isEmpty && $0.living.count == Self.servers
        }
        guard map == nil else { return }
        throw BenchmarkFailure("not every partition had a follower again within 60 s")
    }

    // MARK: The end

    /// What is not as it must be when the workers have ended: see `PushAudit`.
    func audit() async throws -> PushAudit {
        try await probe.stop()
        let reader = try ParameterReader(coordination)
        defer { reader.close() }
        let (sent, acknowledged) = probe.notes
        return PushAudit(accounts: try await reader.accounts(), sent: sent, acknowledged: acknowledged)
    }
}

/// What happens to a server.
enum FailoverFailure: String, CaseIterable {
    case killed = "SIGKILL"
    case stopped = "SIGSTOP"
    case cutOff = "a partition"

    /// The most seconds until pushes flow again.
    var target: Double { self == .killed ? 0.8 : 3 }
}
