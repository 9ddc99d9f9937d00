import Foundation
import MeshWire

@testable import MeshTransport

/// Calls to endpoints with queues, in simulated time: how long they take where a policy chooses, or an oracle that knows
/// every queue.
struct QueueSimulation {
    /// An endpoint: how many calls it works on at a time, and the seconds that one takes on average, by an exponential
    /// distribution.
    struct Server {
        var workers: Int
        var mean: Double
    }

    enum Chooser {
        case policy(BalancingConfiguration.Policy)
        case oracle
    }

    private struct Running {
        let end: Double
        let server: Int
        let start: Double
        let client: Int
    }

    let servers: [Server]
    /// The share of all servers' capacity that calls take; they come at random (a Poisson process).
    let load: Double
    /// Each has a balancer of its own and sees its own calls.
    var clients = 1
    var calls = 10_000

    /// The 99th percentile of the calls' times, in seconds, without those of the first tenth.
    func p99(_ chooser: Chooser, seed: UInt64 = 1) -> Double {
        var generator = SplitMix64(seed: seed)
        func exponential() -> Double { -log(1 - generator.nextUnit()) }
        func instant(_ time: Double) -> RuntimeInstant { RuntimeInstant(nanoseconds: Int64(time * 1e9)) }
        var picks = SplitMix64(seed: seed ^ 0xABCD)
        var balancers = makeBalancers(chooser)
        let capacity = servers.reduce(0) { $0 + Double($1.workers) / $1.mean }
        // When each worker is free.
        var free = servers.map { Array(repeating: 0.0, count: $0.workers) }
        var running: [Running] = []
        var times: [Double] = []
        var now = 0.0
        for call in 0..<calls {
            now += exponential() / (load * capacity)
            running.sort { $0.end > $1.end }
            while let first = running.last, first.end <= now {
                running.removeLast()
                balancers[first.client].ended(
                    first.server, .success, after: .nanoseconds(Int64((first.end - first.start) * 1e9)),
                    now: instant(first.end))
            }
            let client = Int.random(in: 0..<clients, using: &generator)
            let service = exponential()
            let server: Int
            switch chooser {
            case .policy:
                guard let slot = balancers[client].pick(now: instant(now), using: &picks) else { return .infinity }
                server = slot
            case .oracle:
                let ends = servers.indices.map { max(now, free[$0].min() ?? 0) + servers[$0].mean }
                server = ends.indices.min { ends[$0] < ends[$1] } ?? 0
            }
            balancers[client].began(server, now: instant(now))
            let worker = free[server].indices.min { free[server][$0] < free[server][$1] } ?? 0
            let end = max(now, free[server][worker]) + service * servers[server].mean
            free[server][worker] = end
            running.append(Running(end: end, server: server, start: now, client: client))
            if call >= calls / 10 { times.append(end - now) }
        }
        times.sort()
        return times[times.count * 99 / 100]
    }

    private func makeBalancers(_ chooser: Chooser) -> [Balancer] {
        var configuration = BalancingConfiguration()
        if case .policy(let policy) = chooser { configuration.policy = policy }
        configuration.slowStart = nil
        return (0..<clients).map { _ in
            var balancer = Balancer(configuration)
            for index in servers.indices {
                let slot = balancer.insert(.init(name: "10.0.0.\(index)"), now: .at(.zero))
                balancer.setReady(slot, true, now: .at(.zero))
            }
            return balancer
        }
    }
}
