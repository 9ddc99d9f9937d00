import Foundation
import Identity

/// `train-async`: two workers and one server train a perceptron of 784-512-256-10 in batches of 128, none waiting for
/// another, beside TensorFlow's ParameterServerStrategy, which has no TLS: as its guide writes the loop, which
/// schedules step after step, and with twenty steps in one closure, whose counts and ends nobody can see.
enum TrainAsync: Benchmark {
    static let name = "train-async"
    static let summary = "two asynchronous workers train 784-512-256-10, beside TensorFlow's parameter servers"

    private static let workers = 2

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let steps = isQuick ? 160 : 800
        var rounds = Rounds(count: isQuick ? 3 : 7)
        var hasTensorFlow = false
        try await Peers.with { peers in
            let server = try peers.server(ParameterSide.role())
            let workers = try (0..<Self.workers).map { _ in try peers.client("training-worker", of: server) }
            let tensorFlow = try TensorFlowPeer.start(peers, workers: Self.workers)
            hasTensorFlow = tensorFlow != nil
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, name)
                let before = try Self.processorSeconds([server] + workers)
                let start = ContinuousClock.now
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in workers {
                        group.addTask { try await worker.asking("train \(steps / Self.workers)") }
                    }
                    try await group.waitForAll()
                }
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                let processor = try Self.processorSeconds([server] + workers) - before
                let theirs = try tensorFlow?.train(steps, stride: 1)
                let theirsAtOnce = try tensorFlow?.train(steps, stride: 20)
                // The first round warms every side up.
                guard round > 0 else { continue }
                rounds.add(Double(steps) / seconds, to: "ours")
                rounds.add(processor / Double(steps) * 1e3, to: "processor")
                if let theirs { rounds.add(Double(steps) / theirs, to: "tensorflow") }
                if let theirsAtOnce { rounds.add(Double(steps) / theirsAtOnce, to: "tensorflow at once") }
            }
        }
        func figure(_ peer: String?, _ peerName: String?, target: Double?) {
            report.add(
                Figure(
                    benchmark: name, name: "steps of two asynchronous workers", unit: "/s", ours: rounds.median("ours"),
                    peer: peer.map { rounds.median($0) }, peerName: peerName, better: .higher, target: target,
                    threads: 1))
        }
        if hasTensorFlow {
            figure("tensorflow", TensorFlowPeer.title, target: 2.2)
            figure("tensorflow at once", "the same, 20 steps a closure", target: nil)
        } else {
            figure(nil, nil, target: nil)
        }
        report.add(
            Figure(
                benchmark: name, name: "processor time of all processes a step", unit: "ms",
                ours: rounds.median("processor"), peer: nil, peerName: nil, better: .lower, target: nil, threads: 1))
    }

    private static func processorSeconds(_ processes: [PeerProcess]) throws -> Double {
        try processes.reduce(0) { $0 + (try $1.report().processorSeconds) }
    }
}
