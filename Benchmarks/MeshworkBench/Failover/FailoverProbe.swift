import Coordination
import ParameterServer
import Synchronization
import Tensor

/// Workers that make step after step, and what they know of them. Guarded by a mutex.
final class FailoverProbe: Sendable {
    private struct State {
        var sent = PushNotes()
        var acknowledged = PushNotes()
        var failure: ContinuousClock.Instant?
        /// When each worker had all answers of its first step that began after the failure.
        var first: [ContinuousClock.Instant?]
        var failures: [String: Int] = [:]
        var isOver = false
        var running: Int
        /// Why a worker ended that had not been stopped.
        var fault: String?
    }

    private let state: Mutex<State>

    init(workers: Int) {
        state = Mutex(State(first: Array(repeating: nil, count: workers), running: workers))
    }

    /// The notes of all pushes.
    var notes: (sent: PushNotes, acknowledged: PushNotes) { state.withLock { ($0.sent, $0.acknowledged) } }
    /// How often pushes failed, by code.
    var failures: [String: Int] { state.withLock { $0.failures } }

    /// The seconds from `failure` until every worker has had all answers of a step that began after it.
    ///
    /// - Throws: ``BenchmarkFailure`` if that takes more than a minute.
    func flows(after failure: ContinuousClock.Instant) async throws -> Double {
        state.withLock { state in
            state.failure = failure
            state.first = Array(repeating: nil, count: state.first.count)
        }
        while failure.duration(to: .now) < .seconds(60) {
            let ends = state.withLock { $0.first }
            if let last = ends.compactMap({ $0 }).max(), !ends.contains(nil) {
                return failure.duration(to: last) / .seconds(1)
            }
            if let fault = state.withLock({ $0.fault }) { throw BenchmarkFailure("a worker ended: \(fault)") }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw BenchmarkFailure("no pushes flowed for a minute; they failed with \(failures)")
    }

    /// Has the workers make no more steps, and waits until they have ended.
    func stop() async throws {
        state.withLock { $0.isOver = true }
        while state.withLock({ $0.running > 0 }) { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// A worker's life, until it is stopped.
    func work(_ slot: Int, _ coordination: CoordinationClient, followers: Int) async {
        do {
            try await push(slot, coordination, followers: followers)
        } catch {
            state.withLock { $0.fault = "\(error)" }
        }
        state.withLock { $0.running -= 1 }
    }

    @concurrent
    private func push(_ slot: Int, _ coordination: CoordinationClient, followers: Int) async throws {
        try await coordination.withSession(slot: slot) { session in
            let client = try ParameterClient(
                session, coordination,
                observer: PushObserver(
                    beforeFirstAttempt: { pushes in self.state.withLock { $0.sent.insert(pushes) } },
                    afterAcknowledgement: { pushes in self.state.withLock { $0.acknowledged.insert(pushes) } }))
            defer { client.close() }
            let tables = try ChaosRole.tables(followers: followers)
            try await self.declare(tables, client)
            let gradients = try tables.ones()
            _ = try await client.pull()
            while !self.state.withLock({ $0.isOver }) {
                let start = ContinuousClock.now
                let report = try await client.push(gradients)
                self.take(report, slot, start: start)
                // What was lost with both servers of a partition is gone for good, and is what the audit is to find.
                if !report.failed.isEmpty { _ = try? await client.pull() }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    /// Declares when there are enough servers.
    private func declare(_ tables: [TableDeclaration], _ client: ParameterClient) async throws {
        for _ in 0..<100 {
            do throws(ParameterServerError) {
                return try await client.declare(tables)
            } catch {
                guard error.code == .coordination else { throw error }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        throw BenchmarkFailure("no table could be declared within 10 s")
    }

    private func take(_ report: PushReport, _ slot: Int, start: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        state.withLock { state in
            for failure in report.failed { state.failures["\(failure.error.code)", default: 0] += 1 }
            guard report.failed.isEmpty, let failure = state.failure, start > failure, state.first[slot] == nil else {
                return
            }
            state.first[slot] = now
        }
    }
}
