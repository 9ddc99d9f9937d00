import Identity
import Optimizers
import ParameterServer

/// `small-ops`: pushes of 64 floats, whose worker is on the mesh's executor, beside a bare round trip and beside the
/// mesh's own calls of as many bytes; the same with a follower; and pulls of 256 random rows of a table of 2²⁰ rows of
/// 32.
enum SmallOps: Benchmark {
    static let name = "small-ops"
    static let summary = "pushes and pulls of 64 floats and pulls of 256 rows, beside a bare echo and a mesh call"

    private static let elements = 64

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 9)
        let (alone, together) = isQuick ? (1_000, 8_000) : (4_000, 32_000)
        try await Peers.with { peers in
            let identity = peers.identities.client
            let bare = try await BareEchoClient(port: try peers.server("bare-echo").port, as: identity.current)
            let mesh = MeshCaller(
                try MeshSide.client(port: try peers.server("mesh").port, identity: identity), isOnExecutor: true,
                messageBytes: elements * 4)
            let parameters = try peers.server(ParameterSide.role())
            let worker = try await ParameterWorker(
                port: parameters.port, identity: identity, slot: 0, elements: elements, .sgd(learningRate: 1),
                isOnExecutor: true)
            let task = try await ParameterWorker(
                port: parameters.port, identity: identity, slot: 1, elements: elements, .sgd(learningRate: 1),
                isOnExecutor: false)
            let replicated = try await ParameterWorker(
                port: parameters.port, identity: identity, slot: 2, elements: elements, .sgd(learningRate: 1),
                isOnExecutor: true, replicas: 1)
            let rows = try await RowWorker(port: parameters.port, identity: identity, slot: 3)
            // The first server heads all that was declared before the second came.
            _ = try peers.server(ParameterSide.role(isFollower: true), before: parameters)
            try await replicated.waitForFollowers()
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, name)
                let alones = [
                    ("echo", try await bare.echo(alone, depth: 1)),
                    ("call", try await mesh.echo(alone, depth: 1)),
                    ("push", try await worker.push(alone, depth: 1)),
                    ("push task", try await task.push(alone, depth: 1)),
                    ("push with a follower", try await replicated.push(alone, depth: 1)),
                    ("pull", try await worker.pull(alone, depth: 1)),
                    ("rows", try await rows.pull(alone)),
                ]
                let calls = try await Cost.of(nil) { _ = try await mesh.echo(together, depth: 64) }
                let pushes = try await Cost.of(nil) { _ = try await worker.push(together, depth: 64) }
                let replicatedPushes = try await Cost.of(nil) { _ = try await replicated.push(together, depth: 64) }
                // The first round warms every side up.
                guard round > 0 else { continue }
                for (side, latencies) in alones {
                    let sorted = latencies.sorted()
                    rounds.add(Statistics.percentile(0.5, ofSorted: sorted), to: side)
                    rounds.add(Statistics.percentile(0.99, ofSorted: sorted), to: "\(side) p99")
                }
                rounds.add(Double(together) / calls.seconds, to: "calls")
                rounds.add(Double(together) / pushes.seconds, to: "pushes")
                rounds.add(Double(together) / replicatedPushes.seconds, to: "pushes with a follower")
            }
            try await worker.close()
            try await task.close()
            try await replicated.close()
            try await rows.close()
        }
        func figure(_ label: String, _ side: String, _ peer: String, _ peerName: String, atMost target: Double?) {
            report.add(
                Figure(
                    benchmark: name, name: label, unit: "µs", ours: rounds.median(side), peer: rounds.median(peer),
                    peerName: peerName, better: .lower, target: target, threads: 1))
        }
        figure("push of 64 floats, p50, caller on the mesh's executor", "push", "echo", "NIO + NIOSSL", atMost: 1.4)
        figure("push of 64 floats, p50, caller on the mesh's executor", "push", "call", "a mesh call", atMost: nil)
        figure(
            "push of 64 floats, p99, caller on the mesh's executor", "push p99", "echo p99", "NIO + NIOSSL", atMost: nil
        )
        figure("push of 64 floats, p50, caller in an ordinary task", "push task", "echo", "NIO + NIOSSL", atMost: nil)
        figure(
            "push of 64 floats with a follower, p50, caller on the mesh's executor", "push with a follower", "echo",
            "NIO + NIOSSL", atMost: 2.6)
        figure(
            "pull of 256 random rows of 2²⁰ × 32, p50, caller on the mesh's executor", "rows", "echo", "NIO + NIOSSL",
            atMost: 2.5)
        figure("pull of 64 floats, p50, caller on the mesh's executor", "pull", "echo", "NIO + NIOSSL", atMost: nil)
        report.add(
            Figure(
                benchmark: name, name: "pushes of 64 floats, 64 in flight", unit: "/s", ours: rounds.median("pushes"),
                peer: rounds.median("calls"), peerName: "mesh calls of as many bytes", better: .higher, target: 0.7,
                threads: 1))
        report.add(
            Figure(
                benchmark: name, name: "pushes of 64 floats with a follower, 64 in flight", unit: "/s",
                ours: rounds.median("pushes with a follower"), peer: rounds.median("pushes"), peerName: "without",
                better: .higher, target: nil, threads: 1))
    }
}
