import MeshTransport
import MeshworkTesting

/// Nanoseconds of a pick, with the notes that a call begins and ends, and of what discovery and breakers change.
enum PickCosts {
    private static let sizes = [10, 100, 1_000, 10_000]
    private static let policies: [BalancingConfiguration.Policy] = [.peakEWMA, .leastRequest, .roundRobin, .random]
    /// The most that the pick of 10,000 may take.
    private static let target = 300.0

    static func run(rounds count: Int, steps: Int, into report: inout Report) {
        var rounds = Rounds(count: count)
        for _ in 0..<count {
            for size in sizes {
                for policy in policies { rounds.add(pick(policy, size, weights: 1, steps), to: "\(policy) \(size)") }
                rounds.add(pick(.peakEWMA, size, weights: 7, steps), to: "weighted \(size)")
                rounds.add(call(size, steps), to: "call \(size)")
                rounds.add(update(size, steps), to: "update \(size)")
                rounds.add(reweigh(size, steps), to: "weight \(size)")
            }
        }
        func add(_ name: String, _ side: String, target: Double? = nil) {
            report.add(
                Figure(
                    benchmark: BalancerCosts.name, name: name, unit: "ns", ours: rounds.median(side), peer: nil,
                    peerName: nil, better: .lower, target: target, threads: 1))
        }
        for size in sizes {
            for policy in policies {
                add("pick of \(size), \(policy)", "\(policy) \(size)", target: size == 10_000 ? target : nil)
            }
            add("pick of \(size) with weights, peakEWMA", "weighted \(size)", target: size == 10_000 ? target : nil)
            add("pick, begin and end of \(size), peakEWMA", "call \(size)")
            add("an endpoint goes and comes, of \(size)", "update \(size)")
            add("an endpoint's weight changes, of \(size)", "weight \(size)")
        }
    }

    private static func balancer(
        _ policy: BalancingConfiguration.Policy, _ size: Int, weights: UInt32
    ) -> BalancerAlone {
        var configuration = BalancingConfiguration()
        configuration.policy = policy
        // Endpoints that warm up are drawn again now and then.
        configuration.slowStart = nil
        var balancer = BalancerAlone(configuration, endpoints: 0)
        for index in 0..<size { _ = balancer.insert(weight: 1 + UInt32(index) % weights, at: .zero) }
        // As they are in use: each has answered.
        for endpoint in 0..<size {
            balancer.began(endpoint, at: .zero)
            balancer.ended(endpoint, at: .milliseconds(5), after: .milliseconds(5))
        }
        return balancer
    }

    private static func pick(
        _ policy: BalancingConfiguration.Policy, _ size: Int, weights: UInt32, _ steps: Int
    ) -> Double {
        var balancer = balancer(policy, size, weights: weights)
        var sum = 0
        let time = StepTimer.nanoseconds(steps) { sum &+= balancer.pick(at: .microseconds(10_000 + $0)) ?? 0 }
        precondition(sum != 1)
        return time
    }

    private static func call(_ size: Int, _ steps: Int) -> Double {
        var balancer = balancer(.peakEWMA, size, weights: 1)
        return StepTimer.nanoseconds(steps) { step in
            let now = Duration.microseconds(10_000 + step)
            guard let endpoint = balancer.pick(at: now) else { preconditionFailure("no endpoint takes calls") }
            balancer.began(endpoint, at: now)
            balancer.ended(endpoint, at: now, after: .milliseconds(5))
        }
    }

    private static func update(_ size: Int, _ steps: Int) -> Double {
        var balancer = balancer(.peakEWMA, size, weights: 7)
        return StepTimer.nanoseconds(steps) { step in
            balancer.remove(step &* 7_919 % size)
            _ = balancer.insert(weight: 1 + UInt32(step % 7), at: .milliseconds(10))
        }
    }

    private static func reweigh(_ size: Int, _ steps: Int) -> Double {
        var balancer = balancer(.peakEWMA, size, weights: 7)
        return StepTimer.nanoseconds(steps) { balancer.setWeight($0 &* 7_919 % size, 1 + UInt32($0 % 7)) }
    }
}
