import Foundation
import MeshTransport
import NIOCore

/// `rpc-throughput`: calls of 64 bytes over one connection with mutual TLS, 64 in flight, beside a bare NIO + NIOSSL
/// echo as deep, in the same run.
enum RPCThroughput: Benchmark {
    static let name = "rpc-throughput"
    static let summary = "calls of 64 B with mutual TLS, 64 in flight on one connection"

    private static let depth = 64

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let calls = isQuick ? 64_000 : 256_000
        var rounds = Rounds(count: isQuick ? 3 : 5)
        try await EchoPair.with { pair in
            for round in 0...rounds.count {
                let sides = [
                    ("bare", try await cost(calls) { _ = try await pair.runBare(count: calls, depth: depth) }),
                    ("mesh", try await cost(calls) { try await onExecutor(pair.client, calls) }),
                ]
                // The first round warms both sides up.
                guard round > 0 else { continue }
                for (side, cost) in sides {
                    rounds.add(cost.perSecond, to: side)
                    rounds.add(cost.processorMicroseconds, to: side + " processor")
                }
            }
        }

        report.add(
            Figure(
                benchmark: name, name: "64 in flight, callers on the mesh's executor", unit: "calls/s",
                ours: rounds.median("mesh"), peer: rounds.median("bare"), peerName: "NIO + NIOSSL", better: .higher,
                target: 0.3, threads: 1))
        report.add(
            Figure(
                benchmark: name, name: "the client's processor time a call", unit: "µs",
                ours: rounds.median("mesh processor"), peer: rounds.median("bare processor"),
                peerName: "NIO + NIOSSL", better: .lower, target: nil, threads: 1))
    }

    private static func onExecutor(_ client: MeshClient, _ calls: Int) async throws {
        try await withTaskExecutorPreference(client.executor) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<depth { group.addTask { try await make(calls / depth, client) } }
                try await group.waitForAll()
            }
        }
    }

    @concurrent
    private static func make(_ calls: Int, _ client: MeshClient) async throws {
        let message = SmallMessage(bytes: [UInt8](repeating: 1, count: 64))
        for _ in 0..<calls { _ = try await client.call(BenchmarkService.echo, message) }
    }

    /// What a side's calls took.
    private struct Cost {
        var perSecond: Double
        var processorMicroseconds: Double
    }

    private static func cost(_ calls: Int, _ body: () async throws -> Void) async rethrows -> Cost {
        let start = NIODeadline.now()
        let processor = clock()
        try await body()
        let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        let used = Double(clock() - processor) / Double(CLOCKS_PER_SEC)
        return Cost(perSecond: Double(calls) / seconds, processorMicroseconds: used * 1e6 / Double(calls))
    }
}
