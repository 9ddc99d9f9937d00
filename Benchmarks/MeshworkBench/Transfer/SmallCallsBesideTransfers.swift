import MeshTransport
import MeshWire
import Synchronization

/// How long a small call takes while transfers of 64 MiB run to the same peer, beside how long it takes alone. Both sides
/// have two event loops, as they have by default where there are two cores.
enum SmallCallsBesideTransfers {
    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 5)
        let calls = isQuick ? 300 : 2_000
        try await Peers.with { peers in
            let (client, mesh) = (peers.identities.client, try peers.server("mesh-on-two-loops"))
            let sides = [
                ("as it is", try MeshSide.client(port: mesh.port, identity: client, loops: 2)),
                (
                    "one connection",
                    try MeshSide.client(port: mesh.port, identity: client, configuration: MeshSide.oneConnection)
                ),
            ]
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, "\(Transfer.name): small calls")
                for (side, client) in sides {
                    let alone = try await ninetyNinth(client, calls)
                    let beside = try await whileTransferring(client) { try await ninetyNinth(client, calls) }
                    guard round > 0 else { continue }
                    rounds.add(alone, to: "\(side) alone")
                    rounds.add(beside, to: "\(side) beside")
                }
            }
        }

        report.add(
            Figure(
                benchmark: Transfer.name, name: "p99 of a small call while 64 MiB transfers run", unit: "µs",
                ours: rounds.median("as it is beside"), peer: rounds.median("as it is alone"), peerName: "alone",
                better: .lower, target: 3, threads: 2))
        report.add(
            Figure(
                benchmark: Transfer.name, name: "p99 of a small call while 64 MiB transfers run, one connection",
                unit: "ms", ours: rounds.median("one connection beside") / 1_000, peer: nil, peerName: nil,
                better: .lower, target: 2, threads: 1))
    }

    private static func ninetyNinth(_ client: MeshClient, _ calls: Int) async throws -> Double {
        let latencies = try await MeshCaller(client, isOnExecutor: true).echo(calls, depth: 1)
        return Statistics.percentile(0.99, ofSorted: latencies.sorted())
    }

    /// Runs `body` once a transfer has been answered, and keeps sending until it is done.
    private static func whileTransferring(
        _ client: MeshClient, _ body: @Sendable () async throws -> Double
    ) async throws -> Double {
        let isDone = Flag()
        let message = LargeMessage(payload: Segment(copying: [UInt8](repeating: 1, count: 64 << 20)))
        async let transfers: Void = withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Transfer.depth {
                group.addTask {
                    while !isDone.value { _ = try await client.call(BenchmarkService.sink, message) }
                }
            }
            try await group.waitForAll()
        }
        do {
            let result = try await body()
            isDone.set()
            try await transfers
            return result
        } catch {
            isDone.set()
            throw error
        }
    }

    /// Set once.
    private final class Flag: Sendable {
        private let flag = Atomic(false)

        var value: Bool { flag.load(ordering: .relaxed) }

        func set() { flag.store(true, ordering: .relaxed) }
    }
}
