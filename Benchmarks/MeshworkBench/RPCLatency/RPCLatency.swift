import MeshTransport
import NIOCore

/// `rpc-latency`: a round trip of 64 bytes over mutual TLS, one call at a time, beside a bare NIO + NIOSSL echo in
/// the same run.
enum RPCLatency: Benchmark {
    static let name = "rpc-latency"
    static let summary = "round trip of 64 B with mutual TLS, caller on the mesh's executor and on the default one"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let calls = isQuick ? 1_000 : 5_000
        var rounds = Rounds(count: isQuick ? 3 : 7)
        try await EchoPair.with { pair in
            for round in 0...rounds.count {
                let sides = [
                    ("bare", try await pair.runBare(count: calls, depth: 1)),
                    ("executor", try await onExecutor(pair.client, calls)),
                    ("default", try await measure(pair.client, calls)),
                ]
                // The first round warms both sides up.
                guard round > 0 else { continue }
                for (side, latencies) in sides {
                    let sorted = latencies.sorted()
                    rounds.add(Statistics.percentile(0.5, ofSorted: sorted), to: side)
                    rounds.add(Statistics.percentile(0.99, ofSorted: sorted), to: side + " p99")
                }
            }
        }

        for (side, label) in [
            ("executor", "caller on the mesh's executor"), ("default", "caller on the default executor"),
        ] {
            report.add(
                Figure(
                    benchmark: name, name: "p50, \(label)", unit: "µs", ours: rounds.median(side),
                    peer: rounds.median("bare"), peerName: "NIO + NIOSSL", better: .lower, target: 1.4, threads: 1))
            report.add(
                Figure(
                    benchmark: name, name: "p99, \(label)", unit: "µs", ours: rounds.median(side + " p99"),
                    peer: rounds.median("bare p99"), peerName: "NIO + NIOSSL", better: .lower, target: nil, threads: 1))
        }
    }

    private static func onExecutor(_ client: MeshClient, _ calls: Int) async throws -> [Double] {
        try await withTaskExecutorPreference(client.executor) { try await measure(client, calls) }
    }

    @concurrent
    private static func measure(_ client: MeshClient, _ calls: Int) async throws -> [Double] {
        let message = SmallMessage(bytes: [UInt8](repeating: 1, count: 64))
        var latencies: [Double] = []
        latencies.reserveCapacity(calls)
        for _ in 0..<calls {
            let start = NIODeadline.now()
            _ = try await client.call(BenchmarkService.echo, message)
            latencies.append(Double((NIODeadline.now() - start).nanoseconds) / 1_000)
        }
        return latencies
    }
}
