public import MeshTransport
import MeshWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Calls to endpoints with queues, in simulated time: how long they take where a policy chooses, or an oracle that knows
/// every queue.
///
/// ```swift
/// let servers = (0..<10).map { BalancingSimulation.Server(workers: 8, mean: $0 == 9 ? 0.1 : 0.005) }
/// let simulation = BalancingSimulation(servers: servers, load: 0.7)
/// simulation.p99(.policy(.peakEWMA)) / simulation.p99(.oracle)       // how far from the best
/// ```
public struct BalancingSimulation: Sendable {
    /// An endpoint.
    public struct Server: Sendable {
        /// How many calls it works on at a time; others wait in their order.
        public var workers: Int
        /// The seconds that a call takes on average, by an exponential distribution.
        public var mean: Double

        /// Makes an endpoint.
        public init(workers: Int, mean: Double) {
            self.workers = workers
            self.mean = mean
        }
    }

    /// Who chooses.
    public enum Chooser: Sendable {
        /// The product's own balancer.
        case policy(BalancingConfiguration.Policy)
        /// One that sends each call where it is expected to be done first, and knows all calls of all clients and how fast
        /// each endpoint is on average.
        case oracle
    }

    private struct Running {
        let end: Double
        let server: Int
        let start: Double
        let client: Int
    }

    /// The endpoints.
    public var servers: [Server]
    /// The share of all servers' capacity that calls take; they come at random (a Poisson process).
    public var load: Double
    /// Each has a balancer of its own and sees its own calls. Default 1.
    public var clients: Int
    /// How many calls are made. Default 10,000.
    public var calls: Int

    /// Makes a simulation.
    public init(servers: [Server], load: Double, clients: Int = 1, calls: Int = 10_000) {
        self.servers = servers
        self.load = load
        self.clients = clients
        self.calls = calls
    }

    /// The 99th percentile of the calls' times, in seconds, without those of the first tenth.
    public func p99(_ chooser: Chooser, seed: UInt64 = 1) -> Double {
        var generator = SplitMix64(seed: seed)
        func exponential() -> Double { -log(1 - generator.nextUnit()) }
        func instant(_ time: Double) -> Duration { .nanoseconds(Int64(time * 1e9)) }
        var balancers = makeBalancers(chooser, seed: seed)
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
                    first.server, at: instant(first.end), after: instant(first.end - first.start))
            }
            let client = Int.random(in: 0..<clients, using: &generator)
            let service = exponential()
            let server: Int
            switch chooser {
            case .policy:
                guard let slot = balancers[client].pick(at: instant(now)) else { return .infinity }
                server = slot
            case .oracle:
                let ends = servers.indices.map { max(now, free[$0].min() ?? 0) + servers[$0].mean }
                server = ends.indices.min { ends[$0] < ends[$1] } ?? 0
            }
            balancers[client].began(server, at: instant(now))
            let worker = free[server].indices.min { free[server][$0] < free[server][$1] } ?? 0
            let end = max(now, free[server][worker]) + service * servers[server].mean
            free[server][worker] = end
            running.append(Running(end: end, server: server, start: now, client: client))
            if call >= calls / 10 { times.append(end - now) }
        }
        times.sort()
        return times[times.count * 99 / 100]
    }

    private func makeBalancers(_ chooser: Chooser, seed: UInt64) -> [BalancerAlone] {
        var configuration = BalancingConfiguration()
        if case .policy(let policy) = chooser { configuration.policy = policy }
        configuration.slowStart = nil
        return (0..<clients).map {
            BalancerAlone(configuration, endpoints: servers.count, seed: seed ^ 0xABCD &+ UInt64($0))
        }
    }
}
