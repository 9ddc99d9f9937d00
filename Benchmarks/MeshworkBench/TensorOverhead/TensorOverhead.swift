import Tensor

/// What a call costs beside its arithmetic, and what temporaries cost in time and in memory.
enum TensorOverhead: Benchmark {
    static let name = "overhead"
    static let summary =
        "a tiny add, a small product beyond its kernel, temporaries beside a reused buffer, memory at a peak"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let rounds = isQuick ? 5 : 31
        let peers = try TensorPeer.start(threads: 1)
        defer { peers.forEach { $0.stop() } }
        try ComputeBudget.withThreads(1) {
            try CallCosts.run(beside: peers, rounds: rounds, into: &report)
            TemporaryCosts.run(rounds: rounds, into: &report)
            try MemoryPeaks.run(into: &report)
        }
    }

    static func figure(
        _ name: String, _ unit: String, _ ours: Double, peer: (time: Double, name: String)? = nil, target: Double? = nil
    ) -> Figure {
        Figure(
            benchmark: Self.name, name: name, unit: unit, ours: ours, peer: peer?.time, peerName: peer?.name,
            better: .lower, target: target, threads: 1)
    }
}
