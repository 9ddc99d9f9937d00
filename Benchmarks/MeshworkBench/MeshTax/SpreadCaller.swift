import MeshTransport
import NIOCore
import Synchronization

/// Makes calls by several clients of one event loop, each by the less busy of two of them, from tasks on it.
///
/// As a balancer chooses, so that as few calls meet at a connection as there: those that do share its reads and writes.
struct SpreadCaller: EchoClient {
    let clients: [MeshClient]
    private let dice: Dice

    init(clients: [MeshClient]) {
        self.clients = clients
        dice = Dice(clients.count)
    }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await withTaskExecutorPreference(clients[0].executor) { try await echoes(calls, depth) }
    }

    @concurrent
    private func echoes(_ calls: Int, _ depth: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<depth {
                let count = calls / depth + (caller < calls % depth ? 1 : 0)
                group.addTask { try await echoes(count) }
            }
            var latencies: [Double] = []
            for try await some in group { latencies += some }
            return latencies
        }
    }

    private func echoes(_ calls: Int) async throws -> [Double] {
        let message = SmallMessage(bytes: [UInt8](repeating: 1, count: 64))
        var latencies: [Double] = []
        latencies.reserveCapacity(calls)
        for _ in 0..<calls {
            let start = NIODeadline.now()
            let chosen = dice.begin()
            _ = try await clients[chosen].call(BenchmarkService.echo, message)
            dice.end(chosen)
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        }
        return latencies
    }

    /// How many calls each client has, and who is next.
    private final class Dice: Sendable {
        private let state: Mutex<(calls: [Int], seed: UInt64)>

        init(_ count: Int) { state = Mutex((Array(repeating: 0, count: count), 1)) }

        func begin() -> Int {
            state.withLock { state in
                guard state.calls.count > 1 else { return 0 }
                func any() -> Int {
                    // Knuth's linear congruential generator, MMIX.
                    state.seed = state.seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int((state.seed >> 33) % UInt64(state.calls.count))
                }
                let (one, other) = (any(), any())
                let chosen = state.calls[one] <= state.calls[other] ? one : other
                state.calls[chosen] += 1
                return chosen
            }
        }

        func end(_ chosen: Int) { state.withLock { if $0.calls.count > 1 { $0.calls[chosen] -= 1 } } }
    }
}
