import Foundation
import MeshworkTesting
import ParameterServer
import TestSupport
import Testing

/// Whole jobs under seeded schedules of what goes wrong: `Documentation/Testing.md` says how to repeat a seed.
@Suite(.timeLimit(.minutes(60))) struct ChaosTests {
    /// Seeds that have found something: a session's successor that was told of a push which a full disk then lost;
    /// followers that acknowledged what their logs did not have yet, and whose power failed when they were heads; a
    /// whole chain that starts again, one of which was given what another left after it had looked at the map.
    private static let found: [UInt64] = [1033, 2_612_010_004, 2_612_010_016, 2_612_010_532]

    /// The seeds of this run: as many as the rounds say, from `MESHWORK_SIMULATION_FIRST` on, or the one that is to be
    /// repeated.
    private static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["MESHWORK_SIMULATION_SEED"].flatMap({ UInt64($0) }) { return [one] }
        let first = environment["MESHWORK_SIMULATION_FIRST"].flatMap { UInt64($0) } ?? 1
        return found + (0..<UInt64(rounds(3))).map { first &+ $0 }
    }()

    private static func check(_ outcome: ChaosOutcome) {
        let violations = outcome.violations
        guard !violations.isEmpty else { return }
        Issue.record("\(violations.joined(separator: "\n"))\n\(outcome.replay)")
    }

    /// Runs a job of each seed, as many at a time as there are processors.
    private static func run(
        _ seeds: [UInt64], _ shape: ChaosJob.Shape, _ body: (ChaosOutcome) throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: ChaosOutcome.self) { group in
            var next = seeds.makeIterator()
            func add() {
                guard let seed = next.next() else { return }
                group.addTask { try await ChaosJob.run(seed: seed, shape) }
            }
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { add() }
            while let outcome = try await group.next() {
                try body(outcome)
                add()
            }
        }
    }

    /// What keeps a job's pushes.
    enum Keeping: CaseIterable {
        case syncedLogs, processLogs, followers, followersAndLogs

        var shape: ChaosJob.Shape {
            var shape = ChaosJob.Shape()
            switch self {
            case .syncedLogs: shape.sync = .disk
            case .processLogs: shape.sync = .process
            case .followers: (shape.sync, shape.replicas) = (nil, 1)
            case .followersAndLogs: (shape.sync, shape.replicas) = (.disk, 1)
            }
            return shape
        }
    }

    @Test(
        "whatever dies, stops, is cut off or loses its disk, every push is applied once, and what was acknowledged stays",
        arguments: Keeping.allCases)
    func schedules(keeping: Keeping) async throws {
        var (pushes, duplicates, disturbances) = (UInt64(0), UInt64(0), 0)
        let time = ContinuousClock.now
        try await Self.run(Self.seeds, keeping.shape) { outcome in
            Self.check(outcome)
            #expect(outcome.audit.acknowledged > 100, "seed \(outcome.seed)")
            pushes += outcome.audit.sent
            duplicates += outcome.audit.duplicatesSuppressed
            disturbances += outcome.schedule.entries.count
        }
        print(
            "\(keeping): \(Self.seeds.count) jobs, \(disturbances) disturbances, \(pushes) pushes, \(duplicates) copies not applied, in \(ContinuousClock.now - time)"
        )
        #expect(duplicates > 0)
    }

    @Test(
        "a seed replays: the same events in the same order, and another seed has others",
        arguments: [Keeping.syncedLogs, .followers])
    func replays(keeping: Keeping) async throws {
        var traces: [String] = []
        for seed in [7, 7, 8] as [UInt64] {
            traces.append(try await ChaosJob.run(seed: seed, keeping.shape).trace.text)
        }
        #expect(traces[0] == traces[1])
        #expect(traces[0] != traces[2])
        #expect(traces[0].split(separator: "\n").count > 200)
    }

    #if DEBUG
        @Test(
            "the harness finds a partition that applies copies, takes fenced sessions, or answers before its log or followers",
            arguments: PartitionMutation.allCases)
        func negativeControl(mutation: PartitionMutation) async throws {
            var shape = (mutation == .answersBeforeFollowers ? Keeping.followers : .syncedLogs).shape
            shape.adjust = { $0.mutation = mutation }
            var found: [String] = []
            var seed: UInt64 = 0
            // Two seconds each on a machine that does nothing else.
            while found.isEmpty, seed < 10 {
                seed += 1
                found = try await ChaosJob.run(seed: seed, shape).violations
            }
            #expect(!found.isEmpty, "nothing was found in \(seed) jobs")
            print("\(mutation): seed \(seed), \(found.first ?? "nothing")")
        }
    #endif
}
