import Identity
import MeshWire
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

@testable import MeshTransport

/// A service that is asked for more than it can do, by a client with a limit and by one without.
@Suite(.timeLimit(.minutes(10))) struct OverloadTests {
    /// A server that does so many calls at a time, in the order in which they come, each to its end: also those that nobody
    /// waits for any more.
    private final class Worker: Sendable {
        static let slots = 10
        private let runtime: SimulatedRuntime
        private let state: Mutex<(free: [RuntimeInstant], service: Duration, generator: SplitMix64)>

        init(_ runtime: SimulatedRuntime, _ service: Duration) {
            self.runtime = runtime
            let free = Array(repeating: runtime.now, count: Self.slots)
            state = Mutex((free, service, SplitMix64(seed: 11)))
        }

        func set(_ service: Duration) { state.withLock { $0.service = service } }

        func run() async throws {
            let now = runtime.now
            let end = state.withLock { state in
                let slot = state.free.indices.min { state.free[$0] < state.free[$1] }!
                // A fifth more or less.
                let time = state.service * (0.8 + 0.4 * state.generator.nextUnit())
                let end = max(now, state.free[slot]).advanced(by: time)
                state.free[slot] = end
                return end
            }
            try await runtime.sleep(until: end)
        }
    }

    /// Calls that come by themselves, and what became of them.
    private final class Load: Sendable {
        let runtime: SimulatedRuntime
        let client: MeshClient
        let worker: Worker
        /// By second and priority.
        private let answered = Mutex<[Int: [CallPriority: Int]]>([:])
        private let offered = Mutex<[CallPriority: Int]>([:])
        private let start: RuntimeInstant

        init(_ runtime: SimulatedRuntime, _ client: MeshClient, _ worker: Worker) {
            self.runtime = runtime
            self.client = client
            self.worker = worker
            start = runtime.now
        }

        var second: Int { Int(start.duration(to: runtime.now).inSeconds) }

        /// Makes `rate` calls a second for so long, in turn of `priorities`.
        func run(
            rate: Int, for time: Duration, timeout: Duration, priorities: [CallPriority] = [.normal]
        ) async throws {
            let end = runtime.now.advanced(by: time)
            try await withThrowingTaskGroup(of: Void.self) { group in
                var number = 0
                var generator = SplitMix64(seed: 3)
                while runtime.now < end {
                    let priority = priorities[number % priorities.count]
                    number += 1
                    offered.withLock { $0[priority, default: 0] += 1 }
                    group.addTask { [self] in
                        let error = await meshError {
                            _ = try await client.call(Echo.once, Note(""), timeout: timeout, priority: priority)
                        }
                        if error == nil { answered.withLock { $0[second, default: [:]][priority, default: 0] += 1 } }
                    }
                    try await runtime.sleep(for: .seconds(2 * generator.nextUnit() / Double(rate)))
                }
                try await group.waitForAll()
            }
        }

        /// Answers a second, in these seconds.
        func goodput(_ seconds: Range<Int>, _ priority: CallPriority? = nil) -> Double {
            let count = answered.withLock { answered in
                seconds.reduce(0) { sum, second in
                    let found = answered[second] ?? [:]
                    return sum + (priority.map { found[$0] ?? 0 } ?? found.values.reduce(0, +))
                }
            }
            return Double(count) / Double(seconds.count)
        }

        func offered(_ priority: CallPriority) -> Int { offered.withLock { $0[priority] ?? 0 } }

        /// The limits that there are in so long, but for those under which it is measured.
        func limits(for time: Duration) async throws -> [Int] {
            let end = runtime.now.advanced(by: time)
            var found: [Int] = []
            while runtime.now < end {
                try await runtime.sleep(for: .milliseconds(50))
                guard let limit = await client.explain(Echo.once).backends.first?.admission?.limit else { continue }
                if limit > GradientConfiguration().measuring { found.append(limit) }
            }
            return found
        }

        var running: Int? {
            get async { await client.explain(Echo.once).backends.first?.admission?.running }
        }
    }

    private func run<Result: Sendable>(
        _ limit: ConcurrencyLimit?, service: Duration = .milliseconds(50),
        _ body: @escaping @Sendable @concurrent (Load) async throws -> Result
    ) async throws -> Result {
        try await Simulated.run(seed: 5) { simulation in
            let fleet = Fleet(simulation)
            let worker = Worker(simulation.runtime, service)
            try await fleet.start("a") { _ in try await worker.run() }
            fleet.become("a")
            let client = try fleet.client {
                $0.admission = AdmissionPolicy(rules: limit.map { [AdmissionRule("limit", limit: $0)] } ?? [])
                // What happens here is for the limit alone to prevent.
                $0.failureAccrual = nil
            }
            try await client.warmUp(.max)
            let load = Load(simulation.runtime, client, worker)
            let result = try await body(load)
            if limit != nil { #expect(await load.running == 0) }
            client.close()
            await fleet.stop()
            return result
        }
    }

    /// Ten calls at a time of 50 ms.
    private static let capacity = 200.0

    @Test(
        "at three times what the server can do, a client with a limit still gets nearly all of that",
        arguments: [.fixed(10), .gradient(GradientConfiguration())] as [ConcurrencyLimit])
    func goodput(_ limit: ConcurrencyLimit) async throws {
        let goodput = try await run(limit) { load in
            try await load.run(rate: 600, for: .seconds(12), timeout: .milliseconds(400))
            return load.goodput(4..<12)
        }
        #expect(goodput > 0.85 * Self.capacity, "\(goodput) a second")
    }

    @Test("and one without a limit gets next to nothing, which is what it is for")
    func collapse() async throws {
        let goodput = try await run(nil) { load in
            try await load.run(rate: 600, for: .seconds(12), timeout: .milliseconds(400))
            return load.goodput(4..<12)
        }
        #expect(goodput < 0.1 * Self.capacity, "\(goodput) a second")
    }

    @Test("under the same load, what is urgent is all answered, and what is in the background waits for quieter times")
    func priorities() async throws {
        try await run(.fixed(10)) { load in
            // A tenth urgent, a half normal, the rest in the background.
            try await load.run(
                rate: 600, for: .seconds(10), timeout: .milliseconds(400),
                priorities: [
                    .urgent, .normal, .background, .normal, .background, .normal, .background, .normal, .background,
                    .normal,
                ])
            let urgent = load.goodput(0..<12, .urgent) * 12 / Double(load.offered(.urgent))
            #expect(urgent > 0.99, "\(urgent)")
            let (normal, background) = (load.goodput(3..<10, .normal), load.goodput(3..<10, .background))
            #expect(normal > 100, "\(normal) a second")
            #expect(background < 5, "\(background) a second")
        }
    }

    @Test("the gradient finds the server's places, and finds them again when it becomes slower and faster")
    func gradient() async throws {
        var configuration = GradientConfiguration()
        (configuration.interval, configuration.measurements) = (.seconds(8), 20)
        try await run(.gradient(configuration)) { load in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await load.run(rate: 500, for: .seconds(75), timeout: .seconds(1)) }
                for (service, after) in [(50, 5), (150, 20), (25, 20)] {
                    load.worker.set(.milliseconds(service))
                    // It measures again within 8 to 9.2 seconds, which takes twenty calls, and then grows.
                    try await load.runtime.sleep(for: .seconds(after))
                    let begin = load.second
                    let limits = try await load.limits(for: .seconds(5)).sorted()
                    let goodput = load.goodput(begin..<begin + 5)
                    let middle = limits[limits.count / 2]
                    // A quarter more than the server's places, and the root of it: what the queue there is to be.
                    #expect((10...20).contains(middle), "\(limits) at \(service) ms")
                    let possible = min(500, Double(Worker.slots) * 1_000 / Double(service))
                    #expect(goodput > 0.7 * possible, "\(goodput) a second at \(service) ms")
                }
                try await group.waitForAll()
            }
        }
    }
}
