import Foundation
import MeshWire
import TestSupport
import Testing

/// Whole meshes under seeded schedules of what goes wrong: `Documentation/Testing.md` says how to repeat a seed.
@Suite(.timeLimit(.minutes(120))) struct MeshSimulationTests {
    /// Seeds that have found something: of the first, a place that was not free yet when a mesh had stopped.
    private static let found: [UInt64] = [2_611_310_365]

    /// The seeds of this run: as many as the rounds say, from `MESHWORK_SIMULATION_FIRST` on, or the one that is to be
    /// repeated.
    private static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["MESHWORK_SIMULATION_SEED"].flatMap({ UInt64($0) }) { return [one] }
        let first = environment["MESHWORK_SIMULATION_FIRST"].flatMap { UInt64($0) } ?? 1_000
        return found + (0..<UInt64(rounds(8))).map { first &+ $0 }
    }()

    private static func schedule(_ shape: MeshSimulation.Shape, seed: UInt64) -> [Disturbance] {
        // What happened last is over, and has no aftermath, when the last calls are made.
        DisturbanceSchedule.make(shape, seed: seed, until: shape.length - .seconds(12))
    }

    private func check(_ outcome: SimulationOutcome) {
        let violations = outcome.violations
        guard !violations.isEmpty else { return }
        Issue.record("\(violations.joined(separator: "\n"))\n\(outcome.replay)")
    }

    @Test("whatever happens to some of twenty peers, the mesh keeps its promises")
    func schedules() async throws {
        let shape = MeshSimulation.Shape()
        let seeds = Self.seeds
        let time = ContinuousClock.now
        try await withThrowingTaskGroup(of: SimulationOutcome.self) { group in
            var next = 0
            func add() {
                guard next < seeds.count else { return }
                let seed = seeds[next]
                next += 1
                group.addTask { try await MeshSimulation.run(seed: seed, shape, Self.schedule(shape, seed: seed)) }
            }
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { add() }
            var (calls, failures) = (0, 0)
            while let outcome = try await group.next() {
                check(outcome)
                calls += outcome.calls.count
                failures += outcome.calls.count { !$0.hasSucceeded }
                add()
            }
            let elapsed = ContinuousClock.now - time
            print(
                "\(seeds.count) simulations of \(shape.peers) peers, \(calls) calls, \(failures) failed, in \(elapsed)")
        }
    }

    @Test("a seed replays: the same events in the same order, and another seed has others")
    func replay() async throws {
        var shape = MeshSimulation.Shape()
        shape.length = .seconds(24)
        var traces: [String] = []
        for seed in [7, 7, 8] as [UInt64] {
            traces.append(try await MeshSimulation.run(seed: seed, shape, Self.schedule(shape, seed: seed)).trace)
        }
        #expect(traces[0] == traces[1])
        #expect(traces[0] != traces[2])
        #expect(traces[0].count > 10_000)
    }

    // A sanitizer makes it ten times as slow, and what it looks for happens in small meshes as well.
    @Test("a thousand peers keep the same promises", .enabled(if: PeakMemory.isMeasurable))
    func thousand() async throws {
        var shape = MeshSimulation.Shape()
        (shape.services, shape.serversEach, shape.clients, shape.subset) = (30, 10, 700, 2)
        (shape.length, shape.pause) = (.seconds(34), .seconds(7))
        let time = ContinuousClock.now
        let outcome = try await MeshSimulation.run(seed: 1, shape, Self.schedule(shape, seed: 1))
        print("\(shape.peers) peers, \(outcome.calls.count) calls, in \(ContinuousClock.now - time)")
        check(outcome)
        #expect(outcome.calls.count > 2_500)
    }
}
