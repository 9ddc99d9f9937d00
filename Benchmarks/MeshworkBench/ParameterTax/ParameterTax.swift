import Identity
import Optimizers

/// `tax`: what a push costs with TLS, the mesh, the ledger, logs and a follower switched on in turn.
///
/// The first three steps are the least that carries as many bytes: they know no parameters. Metrics are in the third:
/// they cannot be switched off (the case `telemetry` has what recording costs). What has a log or a follower is each on
/// top of the ledger, and then both.
enum ParameterTax: Benchmark {
    static let name = "tax"
    static let summary =
        "pushes of 64 floats and of 16 MiB with TLS, mesh, ledger, logs and a follower switched on in turn"

    private static let elements = 64
    private static let largeBytes = 16 << 20
    private static let depth = 64
    private static let window = 4

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 9)
        let (alone, together, large) = isQuick ? (500, 4_000, 8) : (2_000, 16_000, 32)
        try await Peers.with { peers in
            var sides: [ParameterTaxSide] = []
            for step in ParameterTaxStep.allCases {
                sides.append(try await ParameterTaxSide(step, peers, small: elements, large: largeBytes / 4))
            }
            for round in 0...rounds.count {
                for side in sides {
                    Progress.round(round, of: rounds.count, "\(name): \(side.step)")
                    let latencies = try await side.small(alone, depth: 1).sorted()
                    let small = try await side.cost { _ = try await side.small(together, depth: depth) }
                    let big = try await side.cost { try await side.large(large, bytes: largeBytes, depth: window) }
                    // The first round warms every side up.
                    guard round > 0 else { continue }
                    let gigabytes = Double(large * largeBytes) / 1e9
                    rounds.add(Statistics.percentile(0.5, ofSorted: latencies), to: "\(side.step) p50")
                    rounds.add(small.own * 1e6 / Double(together), to: "\(side.step) worker")
                    rounds.add((small.server ?? .nan) * 1e6 / Double(together), to: "\(side.step) servers")
                    rounds.add(gigabytes * 1e3 / big.seconds, to: "\(side.step) large")
                    rounds.add((big.processor ?? .nan) / gigabytes, to: "\(side.step) processor")
                }
            }
            for side in sides { try await side.close() }
        }
        for step in ParameterTaxStep.allCases {
            func figure(_ what: String, _ unit: String, _ side: String, _ better: Figure.Better) {
                let base = step.base
                report.add(
                    Figure(
                        benchmark: name, name: "\(step): \(what)", unit: unit, ours: rounds.median("\(step) \(side)"),
                        peer: base.map { rounds.median("\($0) \(side)") }, peerName: base.map { "\($0)" },
                        better: better, target: nil, threads: 1))
            }
            figure("p50 of one push of 64 floats at a time", "µs", "p50", .lower)
            figure("the worker's processor time a push, 64 in flight", "µs", "worker", .lower)
            figure("the servers' processor time a push, 64 in flight", "µs", "servers", .lower)
            figure("pushes of 16 MiB, 4 in flight", "MB/s", "large", .higher)
            figure("processor time of all processes, pushes of 16 MiB", "s/GB", "processor", .lower)
        }
    }
}

/// What is switched on.
enum ParameterTaxStep: String, CaseIterable, CustomStringConvertible {
    case plain = "NIO"
    case tls = "NIO + NIOSSL"
    case mesh = "a mesh call"
    case ledger = "ledger and apply"
    case log = "log, of the system"
    case syncedLog = "log, on disk"
    case follower = "a follower"
    case everything = "log of the system and a follower"

    var description: String { rawValue }

    /// What it is on top of.
    var base: ParameterTaxStep? {
        switch self {
        case .plain: nil
        case .tls: .plain
        case .mesh: .tls
        case .ledger: .mesh
        case .log, .syncedLog, .follower, .everything: .ledger
        }
    }

    var log: ParameterSide.Log {
        switch self {
        case .log, .everything: .process
        case .syncedLog: .disk
        case .plain, .tls, .mesh, .ledger, .follower: .none
        }
    }

    var hasFollower: Bool { self == .follower || self == .everything }
}
