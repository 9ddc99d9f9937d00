import MeshworkTesting
import Testing

@testable import MeshTransport

/// How close peak EWMA comes to the best that is possible. `Documentation/Behaviours/Balancing.md` has the whole table.
@Suite struct BalancingQualityTests {
    /// Ten endpoints, of 5 ms a call unless said otherwise.
    enum Fleet: String {
        case oneTwentyTimesSlower
        case mixed

        func servers(workers: Int) -> [BalancingSimulation.Server] {
            (0..<10).map { index in
                let factor: Double =
                    switch self {
                    case .oneTwentyTimesSlower: index == 9 ? 20 : 1
                    case .mixed: [1, 2, 4, 8][index % 4]
                    }
                return BalancingSimulation.Server(workers: workers, mean: 0.005 * factor)
            }
        }
    }

    @Test(
        "the 99th percentile of calls is near that of an oracle that knows every queue",
        arguments: [
            (.oneTwentyTimesSlower, 1, 0.4, 1, 1.2), (.oneTwentyTimesSlower, 8, 0.4, 1, 1.1),
            (.oneTwentyTimesSlower, 8, 0.7, 1, 1.1), (.oneTwentyTimesSlower, 8, 0.7, 20, 1.1),
            (.mixed, 8, 0.7, 20, 1.2), (.mixed, 1, 0.7, 1, 1.5), (.mixed, 8, 0.4, 1, 1.7),
        ] as [(Fleet, Int, Double, Int, Double)])
    func nearTheBest(_ fleet: Fleet, workers: Int, load: Double, clients: Int, limit: Double) {
        let simulation = BalancingSimulation(servers: fleet.servers(workers: workers), load: load, clients: clients)
        let (ours, best) = (simulation.p99(.policy(.peakEWMA)), simulation.p99(.oracle))
        #expect(ours <= limit * best, "\(ours) s, the oracle's \(best)")
    }
}
