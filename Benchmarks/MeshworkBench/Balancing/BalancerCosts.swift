/// What a pick, a change of an endpoint and a place among the calls under way cost, and how long calls take that each
/// policy spreads over queues, beside an oracle that knows every queue.
enum BalancerCosts: Benchmark {
    static let name = "balancer"
    static let summary =
        "a pick and an update at 10 to 10,000 endpoints, a place under a limit, and p99 beside an oracle for each policy"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        PickCosts.run(rounds: isQuick ? 5 : 15, steps: isQuick ? 20_000 : 200_000, into: &report)
        AdmissionCosts.run(rounds: isQuick ? 5 : 15, steps: isQuick ? 20_000 : 200_000, into: &report)
        BalancingQuality.run(seeds: isQuick ? 1 : 5, into: &report)
    }
}
