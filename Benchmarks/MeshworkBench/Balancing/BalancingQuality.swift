import MeshTransport
import MeshworkTesting

/// The 99th percentile of calls to ten endpoints, beside that of an oracle: the table of
/// `Documentation/Behaviours/Balancing.md`.
enum BalancingQuality {
    private static let policies: [BalancingConfiguration.Policy] = [
        .peakEWMA, .leastRequest, .roundRobin, .random,
    ]
    private static let cases: [(workers: Int, load: Double, clients: Int)] = [
        (1, 0.4, 1), (1, 0.7, 1), (8, 0.4, 1), (8, 0.7, 1), (1, 0.7, 20), (8, 0.7, 20),
    ]
    /// How many times slower than 5 ms each endpoint is.
    private static let fleets: [(name: String, factors: [Double])] = [
        ("one 20 times slower", (0..<10).map { $0 == 9 ? 20 : 1 }),
        ("mixed speeds", (0..<10).map { [1, 2, 4, 8][$0 % 4] }),
    ]
    /// How near to the best peak EWMA is to come.
    private static let target = 1.2

    static func run(seeds: Int, into report: inout Report) {
        for fleet in fleets {
            for (workers, load, clients) in cases {
                let simulation = BalancingSimulation(
                    servers: fleet.factors.map { BalancingSimulation.Server(workers: workers, mean: 0.005 * $0) },
                    load: load, clients: clients)
                func p99(_ chooser: BalancingSimulation.Chooser) -> Double {
                    Statistics.median((1...seeds).map { simulation.p99(chooser, seed: UInt64($0)) * 1_000 })
                }
                let best = p99(.oracle)
                let place =
                    "\(fleet.name), \(workers) at a time, load \(load), \(clients == 1 ? "1 client" : "\(clients) clients")"
                for policy in policies {
                    report.add(
                        Figure(
                            benchmark: BalancerCosts.name, name: "p99 of \(policy): \(place)", unit: "ms",
                            ours: p99(.policy(policy)), peer: best, peerName: "oracle", better: .lower,
                            target: policy == .peakEWMA ? target : nil, threads: 1))
                }
            }
        }
    }
}
