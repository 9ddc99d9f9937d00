import Identity
import NIOCore

/// `transfer`: payloads of 1 to 64 MiB with mutual TLS, two in flight on one client, what a small call beside them waits,
/// and what is allocated and copied.
enum Transfer: Benchmark {
    static let name = "transfer"
    static let summary = "payloads of 1 to 64 MiB with mutual TLS, 2 in flight; small calls beside them; copies"

    static let depth = 2

    static func run(isQuick: Bool, into report: inout Report) async throws {
        try await TransferRates.run(isQuick: isQuick, into: &report)
        try await SmallCallsBesideTransfers.run(isQuick: isQuick, into: &report)
        try await MemoryTraffic.run(isQuick: isQuick, into: &report)
    }
}

/// Bytes a second, and processor time a byte, of every side.
enum TransferRates {
    private static let mebibytes = [1, 4, 16, 64]

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 5)
        let total = isQuick ? 256 : 1_024
        var hasGRPCIO = false
        try await Peers.with { peers in
            let client = peers.identities.client
            let servers = (
                bare: try peers.server("bare-sink"), mesh: try peers.server("mesh"), http2: try peers.server("http2")
            )
            let grpcio = try GRPCIOPeer.start(peers)
            hasGRPCIO = grpcio != nil
            var sides: [(String, any TransferClient, PeerProcess?)] = [
                ("bare", try await BareSinkClient(port: servers.bare.port, as: client.current), servers.bare),
                (
                    "mesh",
                    MeshCaller(
                        try MeshSide.client(port: servers.mesh.port, identity: client), isOnExecutor: true),
                    servers.mesh
                ),
                (
                    "http2",
                    try await HTTP2Client(port: servers.http2.port, as: client.current, joinsRecords: false), nil
                ),
            ]
            if let grpcio { sides.append(("grpcio", grpcio, nil)) }
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, "\(Transfer.name): rates")
                for size in mebibytes {
                    for (side, client, server) in sides {
                        // The slow sides get less to do, and the first round warms up.
                        let bytes = total << 20 / (server == nil || round == 0 ? 4 : 1)
                        let count = max(Transfer.depth, bytes / (size << 20))
                        let cost = try await Cost.of(server) {
                            try await client.send(size << 20, count: count, depth: Transfer.depth)
                        }
                        guard round > 0 else { continue }
                        let gigabytes = Double(count * size << 20) / 1e9
                        rounds.add(gigabytes / cost.seconds, to: "\(side) \(size)")
                        if let processor = cost.processor {
                            rounds.add(processor / gigabytes, to: "\(side) \(size) processor")
                        }
                    }
                }
            }
        }

        for size in mebibytes {
            for (peer, label, target) in [
                ("bare", "NIO + NIOSSL", 0.9), ("http2", "NIOHTTP2 + NIOSSL", 3), ("grpcio", "grpcio", 2),
            ] where peer != "grpcio" || hasGRPCIO {
                report.add(
                    Figure(
                        benchmark: Transfer.name, name: "payloads of \(size) MiB, \(Transfer.depth) in flight",
                        unit: "GB/s", ours: rounds.median("mesh \(size)"), peer: rounds.median("\(peer) \(size)"),
                        peerName: label, better: .higher, target: target, threads: 1))
            }
        }
        for size in mebibytes {
            report.add(
                Figure(
                    benchmark: Transfer.name, name: "processor time of both processes, payloads of \(size) MiB",
                    unit: "s/GB", ours: rounds.median("mesh \(size) processor"),
                    peer: rounds.median("bare \(size) processor"), peerName: "NIO + NIOSSL", better: .lower,
                    target: size == 16 ? 1.1 : nil, threads: 1))
        }
    }
}
