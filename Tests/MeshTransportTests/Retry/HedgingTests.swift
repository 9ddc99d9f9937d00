import Identity
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import MeshTransport

/// A second attempt beside one that takes long.
@Suite(.timeLimit(.minutes(5))) struct HedgingTests {
    /// What the servers of a test do, by their names.
    private final class Behaviour: Sendable {
        let delays = Mutex<[String: Duration]>([:])
        let cancelled = Mutex<[String: Int]>([:])

        func answer(_ name: String, _ runtime: SimulatedRuntime) async throws {
            let delay = delays.withLock { $0[name] } ?? .milliseconds(1)
            do {
                try await runtime.sleep(for: delay)
            } catch {
                cancelled.withLock { $0[name, default: 0] += 1 }
                throw error
            }
        }
    }

    private func run(
        _ names: [String] = ["a", "b", "c"], _ change: @escaping @Sendable (inout MeshConfiguration) -> Void = { _ in },
        body: @escaping @Sendable @concurrent (Fleet, MeshClient, MetricsRegistry, Behaviour) async throws -> Void
    ) async throws {
        try await Simulated.run { simulation in
            let (fleet, behaviour) = (Fleet(simulation), Behaviour())
            for name in names {
                try await fleet.start(name) { _ in try await behaviour.answer(name, simulation.runtime) }
            }
            fleet.resolver.set(names.map { fleet.endpoint($0) }, of: Fleet.service)
            let metrics = MetricsRegistry()
            let client = try fleet.client(metrics: metrics) {
                $0.balancing.policy = .roundRobin
                var hedging = HedgingConfiguration()
                hedging.initialDelay = .milliseconds(10)
                $0.retry.hedging = hedging
                change(&$0)
            }
            try await fleet.warm(client)
            try await body(fleet, client, metrics, behaviour)
            client.close()
            await fleet.stop()
        }
    }

    private static func count(_ metrics: MetricsRegistry, _ name: String) -> Int {
        metrics.lines(of: name).compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }

    private static func time(
        _ fleet: Fleet, _ body: () async throws -> Void
    ) async throws -> Duration {
        let start = fleet.simulation.runtime.now
        try await body()
        return start.duration(to: fleet.simulation.runtime.now)
    }

    @Test("a slow server's calls are answered by another one, and the slow one is told to stop")
    func wins() async throws {
        try await run { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0["b"] = .seconds(5) }
            for _ in 0..<9 {
                let time = try await Self.time(fleet) { _ = try await client.call(Echo.echo, Note("x")) }
                #expect(time < .milliseconds(50))
            }
            // Second attempts take turns as well.
            let hedges = Self.count(metrics, "mesh_hedges_total")
            #expect((3...5).contains(hedges))
            #expect(Self.count(metrics, "mesh_hedges_won_total") == hedges)
            // One answer each: an attempt that was outrun has none.
            let all = Self.count(metrics, "attempt_total")
            let ended = Self.count(metrics, "attempt_response_total")
            #expect(all == ended && all == Self.count(metrics, "request_total") + hedges)
            try await fleet.simulation.runtime.sleep(for: .milliseconds(100))
            #expect(behaviour.cancelled.withLock { $0 } == ["b": hedges])
            #expect(await client.endpoints().allSatisfy { $0.pending == 0 })
        }
    }

    @Test("the first attempt may still be the faster one; then the second is withdrawn")
    func loses() async throws {
        try await run { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0 = ["a": .milliseconds(12), "b": .milliseconds(12), "c": .milliseconds(12)] }
            for _ in 0..<3 { _ = try await client.call(Echo.echo, Note("x")) }
            try await fleet.simulation.runtime.sleep(for: .milliseconds(100))
            #expect(Self.count(metrics, "mesh_hedges_total") == 3)
            #expect(Self.count(metrics, "mesh_hedges_won_total") == 0)
            #expect(behaviour.cancelled.withLock { $0.values.reduce(0, +) } == 3)
            #expect(await client.endpoints().allSatisfy { $0.pending == 0 })
        }
    }

    @Test("only idempotent methods are hedged, only where there is another server, and only within the budget")
    func bounds() async throws {
        try await run { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0 = ["a": .seconds(1), "b": .seconds(1), "c": .seconds(1)] }
            _ = try await client.call(Echo.once, Note("x"))
            _ = try await client.call(Echo.count, Note("x"))
            #expect(Self.count(metrics, "mesh_hedges_total") == 0)
            fleet.become("a")
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            _ = try await client.call(Echo.echo, Note("x"))
            #expect(Self.count(metrics, "mesh_hedges_total") == 0)
        }
        try await run(["a", "b"]) {
            $0.retry.budget?.ratio = 0.1
            $0.retry.budget?.floor = 0
        } body: { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0 = ["a": .milliseconds(100), "b": .milliseconds(100)] }
            for _ in 0..<100 { _ = try await client.call(Echo.echo, Note("x")) }
            let hedges = Self.count(metrics, "mesh_hedges_total")
            #expect((9...11).contains(hedges), "\(hedges)")
        }
    }

    @Test("a first attempt that fails waits for the second; one that would fail the same way does not")
    func failures() async throws {
        try await run(["a", "b"]) { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0["a"] = .seconds(5) }
            let first = try await client.call(Echo.echo, Note("x"))
            let second = try await client.call(Echo.echo, Note("x"))
            #expect([first, second] == [Note("b"), Note("b")])
            behaviour.delays.withLock { $0 = ["a": .milliseconds(40), "b": .milliseconds(40)] }
            async let answer = client.call(Echo.echo, Note("x"))
            try await fleet.simulation.runtime.sleep(for: .milliseconds(20))
            fleet.kill("a")
            #expect(try await answer == Note("b"))
            #expect(Self.count(metrics, "mesh_retries_total") == 0)
        }
    }

    @Test("a caller that is cancelled, or out of time, ends both attempts")
    func cancelled() async throws {
        try await run { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0 = ["a": .seconds(9), "b": .seconds(9), "c": .seconds(9)] }
            let error = await meshError {
                _ = try await client.call(Echo.echo, Note("x"), timeout: .milliseconds(100))
            }
            #expect(error?.code == .deadlineExceeded && error?.progress == .mayHaveRun)
            try await fleet.simulation.runtime.sleep(for: .milliseconds(100))
            #expect(behaviour.cancelled.withLock { $0.values.reduce(0, +) } == 2)
            #expect(await client.endpoints().allSatisfy { $0.pending == 0 })
        }
    }

    @Test("a caller who is told that nothing has run can believe it, whichever attempt ended how")
    func progress() async throws {
        try await run(["a", "b"]) { fleet, client, metrics, behaviour in
            behaviour.delays.withLock { $0 = ["a": .milliseconds(40), "b": .milliseconds(40)] }
            async let failure = meshError {
                _ = try await client.call(Echo.echo, Note("x"), timeout: .milliseconds(200))
            }
            try await fleet.simulation.runtime.sleep(for: .milliseconds(20))
            for name in ["a", "b"] { fleet.kill(name) }
            let error = try #require(await failure)
            #expect(error.progress == .mayHaveRun, "\(error)")
        }
    }

    @Test("the quantile is that of the last answers, to an eighth", arguments: [0.5, 0.9, 0.99])
    func quantile(percentile: Double) throws {
        var configuration = HedgingConfiguration()
        configuration.percentile = percentile
        var quantile = LatencyQuantile()
        #expect(quantile.value(configuration) == nil)
        var generator = SeededGenerator(seed: 7)
        var values: [Int64] = []
        for _ in 0..<3_000 {
            let value = Int64.random(in: 1_000...1_000_000, using: &generator)
            values.append(value)
            quantile.record(nanoseconds: value, configuration)
        }
        // Between one and two thousand are known; these are uniform.
        let exact = 1_000 + Int64(percentile * 999_000)
        let found = try #require(quantile.value(configuration))
        #expect(Double(found) > 0.9 * Double(exact) && Double(found) < 1.2 * Double(exact), "\(found) for \(exact)")
        for _ in 0..<2_100 { quantile.record(nanoseconds: 5_000_000, configuration) }
        let later = try #require(quantile.value(configuration))
        #expect((5_000_000...5_700_000).contains(later), "\(later)")
        quantile.record(nanoseconds: .max, configuration)
        quantile.record(nanoseconds: -1, configuration)
    }
}
