import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// What becomes of a job on hosts of their own when one of them dies or stops.
@Suite struct HostFailureTests {
    private struct Job: Sendable {
        let runtime: SimulatedRuntime
        let cluster: TestCluster
        let notes = PushNotebook()

        /// Runs `body` beside a coordinator and two servers, each on a host of its own.
        static func run<Result: Sendable>(
            seed: UInt64, _ body: @escaping @Sendable @concurrent (Job) async throws -> Result
        ) async throws -> Result {
            try await SimulatedRuntime.run(seed: seed) { runtime in
                let cluster = try await TestCluster.start(runtime, on: { runtime.host($0) })
                return try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await runtime.host("/coordinator").run { try await cluster.coordinator.run() } }
                    let result = try await body(Job(runtime: runtime, cluster: cluster))
                    group.cancelAll()
                    return result
                }
            }
        }

        /// A worker's life on its host: so many steps, one after the other.
        ///
        /// - Returns: the longest that a step took, and the errors of its pushes and pulls.
        @concurrent
        func work(slot: Int, steps: Int, timeout: Duration = .seconds(60)) async throws -> (
            longest: Duration, errors: [ParameterServerError]
        ) {
            let host = runtime.host("/worker/\(slot)")
            return try await host.run {
                var configuration = ParameterClientConfiguration()
                configuration.timeout = timeout
                let client = try await cluster.client(
                    cluster.mesh("/worker/\(slot)"), slot: slot, configuration: configuration, observer: notes.observer)
                try await client.declare([
                    try Example.table("weight", shape: [8, 5], partitions: 3), try Example.table("bias", shape: [5]),
                ])
                var (longest, errors) = (Duration.zero, [ParameterServerError]())
                for _ in 0..<steps {
                    let start = host.now
                    do throws(ParameterServerError) { _ = try await client.pull() } catch { errors.append(error) }
                    longest = max(longest, start.duration(to: host.now))
                    let begin = host.now
                    let report = try await client.push(
                        NamedTensors([("weight", .full([8, 5], Float(1))), ("bias", .full([5], Float(1)))]))
                    errors += report.failed.map(\.error)
                    longest = max(longest, begin.duration(to: host.now))
                    runtime.record("worker \(slot) has \(report.acknowledged.count) answers")
                }
                client.close()
                return (longest, errors)
            }
        }

        /// The equality of sent, applied and acknowledged pushes.
        func audit() async throws -> PushAudit {
            let accounts = try await cluster.reader().accounts()
            for account in accounts { runtime.record("\(account.name) \(account.version) counter \(account.counter)") }
            return PushAudit(accounts: accounts, sent: notes.all.sent, acknowledged: notes.all.acknowledged)
        }
    }

    @Test(
        "a worker killed in mid-push: its session expires, the others go on, and every push is applied once or not at all"
    )
    func workerKilled() async throws {
        var (applied, lost) = (0, 0)
        for seed in 1...UInt64(rounds(6)) {
            let (inDoubt, audit) = try await Job.run(seed: seed) { job in
                let runtime = job.runtime
                async let doomed = job.work(slot: 0, steps: 1_000_000)
                async let other = job.work(slot: 1, steps: 60)
                // At any moment of a push, of which there are many by then.
                try await runtime.sleep(for: .microseconds(150_000 + Int64(seed * 7_919 % 40_000)))
                let session = try #require(job.cluster.coordinator.fence.entry(for: 0)).session
                let host = runtime.host("/worker/0")
                host.kill()
                do {
                    _ = try await doomed
                    Issue.record("seed \(seed): a dead worker has an outcome")
                } catch { #expect(error is SimulatedHostDied, "seed \(seed): \(error)") }
                let inDoubt = job.notes.all
                let (_, errors) = try await other
                #expect(errors.isEmpty, "seed \(seed): \(errors)")
                // The lease of 5 s and a round of looking for those that are over.
                try await runtime.sleep(for: .seconds(7))
                let entry = job.cluster.coordinator.fence.entry(for: 0)
                #expect(entry?.session == session && entry?.hasEnded == true, "seed \(seed)")
                // Its replacement has the slot at once, and goes on.
                _ = host.restart()
                let (_, replacementErrors) = try await job.work(slot: 0, steps: 5)
                #expect(replacementErrors.isEmpty, "seed \(seed): \(replacementErrors)")
                let audit = try await job.audit()
                let dead = inDoubt.sent.sequences.filter { $0.key.session == session }.map(\.value.count).reduce(0, +)
                let held = inDoubt.acknowledged.sequences.filter { $0.key.session == session }.map(\.value.count)
                    .reduce(0, +)
                return (Int(dead) - Int(held), audit)
            }
            #expect(audit.discrepancies == [], "seed \(seed)")
            #expect(audit.sent >= audit.applied && audit.applied >= audit.acknowledged, "seed \(seed)")
            // Of the pushes that nobody was answered for, some had been applied.
            let unheard = Int(audit.applied - audit.acknowledged)
            #expect(unheard <= inDoubt, "seed \(seed)")
            applied += unheard
            lost += inDoubt - unheard
        }
        #expect(applied > 0 && lost > 0, "the moments of death are all alike: \(applied) applied, \(lost) lost")
    }

    @Test(
        "a server paused beyond the calls' deadlines: typed errors, no wait without end, and the audit holds when it goes on"
    )
    func serverPaused() async throws {
        for seed in 1...UInt64(rounds(3)) {
            let audit = try await Job.run(seed: seed) { job in
                let runtime = job.runtime
                async let working = job.work(slot: 0, steps: 400, timeout: .milliseconds(300))
                try await runtime.sleep(for: .microseconds(150_000 + Int64(seed * 7_919 % 40_000)))
                let server = runtime.host("/server/1")
                server.pause()
                try await runtime.sleep(for: .seconds(4))
                server.resume()
                let (longest, errors) = try await working
                #expect(!errors.isEmpty, "seed \(seed)")
                #expect(Set(errors.map(\.code)) == [.callFailed, .peerLost], "seed \(seed): \(errors.map(\.code))")
                #expect(
                    Set(errors.map(\.peer)).count == 1 && errors[0].peer?.hasPrefix("127.0.0.1:") == true,
                    "seed \(seed)")
                #expect(longest >= .milliseconds(300) && longest <= .milliseconds(310), "seed \(seed): \(longest)")
                return try await job.audit()
            }
            #expect(audit.discrepancies == [], "seed \(seed)")
            #expect(audit.sent > audit.acknowledged && audit.applied >= audit.acknowledged, "seed \(seed)")
        }
    }

    @Test("one seed makes one trace of a job whose hosts die and stop")
    func replays() async throws {
        func trace(_ seed: UInt64) async throws -> String {
            try await Job.run(seed: seed) { job in
                async let doomed = job.work(slot: 0, steps: 1_000_000)
                async let other = job.work(slot: 1, steps: 60, timeout: .milliseconds(300))
                try await job.runtime.sleep(for: .milliseconds(120))
                job.runtime.host("/server/0").pause()
                try await job.runtime.sleep(for: .milliseconds(500))
                job.runtime.host("/worker/0").kill()
                job.runtime.host("/server/0").resume()
                _ = try? await doomed
                _ = try await other
                _ = try await job.audit()
                return job.runtime.trace.text
            }
        }
        for seed in 1...UInt64(rounds(3)) {
            let (first, second) = (try await trace(seed), try await trace(seed))
            #expect(first == second, "seed \(seed)")
            #expect(first.contains("host /worker/0 is killed") && first.contains(": reset"))
        }
    }
}
