import MeshTransport
import NIOCore

/// Makes calls by several clients of one event loop in turn, from tasks on it.
struct TurnCaller: EchoClient {
    let clients: [MeshClient]

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await withTaskExecutorPreference(clients[0].executor) { try await echoes(calls, depth) }
    }

    @concurrent
    private func echoes(_ calls: Int, _ depth: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<depth {
                let count = calls / depth + (caller < calls % depth ? 1 : 0)
                group.addTask { try await echoes(count, from: caller * clients.count / depth) }
            }
            var latencies: [Double] = []
            for try await some in group { latencies += some }
            return latencies
        }
    }

    private func echoes(_ calls: Int, from first: Int) async throws -> [Double] {
        let message = SmallMessage(bytes: [UInt8](repeating: 1, count: 64))
        var latencies: [Double] = []
        latencies.reserveCapacity(calls)
        for call in 0..<calls {
            let client = clients[(first + call) % clients.count]
            let start = NIODeadline.now()
            _ = try await client.call(BenchmarkService.echo, message)
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        }
        return latencies
    }
}
