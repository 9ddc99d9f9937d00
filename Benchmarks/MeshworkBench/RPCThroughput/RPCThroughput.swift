import Identity
import NIOCore

/// `rpc-throughput`: calls of 64 bytes over one connection with mutual TLS, 64 in flight, on both wires, each beside its
/// peers in the same run.
enum RPCThroughput: Benchmark {
    static let name = "rpc-throughput"
    static let summary = "calls of 64 B with mutual TLS, 64 in flight on one connection, on meshwork/1 and over gRPC"

    private static let depth = 64

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let calls = isQuick ? 64_000 : 256_000
        var rounds = Rounds(count: isQuick ? 3 : 5)
        try await Peers.with { peers in
            let (client, mesh) = (peers.identities.client, try peers.server("mesh"))
            let bare = try await BareEchoClient(port: try peers.server("bare-echo").port, as: client.current)
            let frames = try await BareFrameClient(port: try peers.server("bare-frames").port, as: client.current)
            let ours = try MeshSide.client(port: mesh.port, identity: client)
            let overGRPC = try MeshSide.client(port: mesh.port, identity: client, overGRPC: true)
            let http2 = try await HTTP2Client(
                port: try peers.server("http2").port, as: client.current, joinsRecords: false)
            let joined = try await HTTP2Client(
                port: try peers.server("http2-joined").port, as: client.current, joinsRecords: true)
            let grpcSwiftServer = try peers.server("grpc-swift")
            try await GRPCSwiftPeer.withClient(port: grpcSwiftServer.port, as: client.current) { grpcSwift in
                let sides: [(String, any EchoClient, Int)] = [
                    ("frames", frames, calls),
                    ("mesh", MeshCaller(ours, isOnExecutor: true), calls),
                    ("http2", http2, calls / 4),
                    ("http2 joined", joined, calls / 4),
                    ("grpc", MeshCaller(overGRPC, isOnExecutor: true), calls / 4),
                    ("grpc task", MeshCaller(overGRPC, isOnExecutor: false), calls / 4),
                    ("grpc-swift", grpcSwift, calls / 32),
                ]
                for round in 0...rounds.count {
                    Progress.round(round, of: rounds.count, name)
                    // The first round warms all sides up.
                    let single = try await bare.echo(calls / 64, depth: 1)
                    if round > 0 { rounds.add(Statistics.median(single), to: "bare p50") }
                    for (side, client, calls) in sides {
                        let start = NIODeadline.now()
                        let processor = ProcessReport.processorSeconds()
                        _ = try await client.echo(calls, depth: depth)
                        guard round > 0 else { continue }
                        let used = ProcessReport.processorSeconds() - processor
                        let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
                        rounds.add(Double(calls) / seconds, to: side)
                        rounds.add(used * 1e6 / Double(calls), to: side + " processor")
                    }
                }
            }
        }

        func figure(_ label: String, _ side: String, _ peer: String, _ peerName: String, atLeast target: Double?) {
            report.add(
                Figure(
                    benchmark: name, name: label, unit: "calls/s", ours: rounds.median(side), peer: rounds.median(peer),
                    peerName: peerName, better: .higher, target: target, threads: 1))
        }
        figure(
            "64 in flight, callers on the mesh's executor", "mesh", "frames", "NIO + NIOSSL, a frame each", atLeast: 0.3
        )
        report.add(
            Figure(
                benchmark: name, name: "calls/s × the bare echo's p50 at depth 1", unit: "",
                ours: rounds.median("mesh") * rounds.median("bare p50") / 1e6, peer: nil, peerName: nil,
                better: .higher, target: 9, threads: 1))
        report.add(
            Figure(
                benchmark: name, name: "the client's processor time a call", unit: "µs",
                ours: rounds.median("mesh processor"), peer: rounds.median("frames processor"),
                peerName: "NIO + NIOSSL, a frame each", better: .lower, target: nil, threads: 1))
        figure("gRPC, 64 in flight, callers on the mesh's executor", "grpc", "http2", "NIOHTTP2 + NIOSSL", atLeast: 0.9)
        figure(
            "gRPC, 64 in flight, callers on the mesh's executor", "grpc", "http2 joined",
            "NIOHTTP2, one record a flush, + NIOSSL", atLeast: nil)
        figure("gRPC, 64 in flight, callers in ordinary tasks", "grpc task", "grpc-swift", "grpc-swift-2", atLeast: 5)
        report.add(
            Figure(
                benchmark: name, name: "gRPC: the client's processor time a call", unit: "µs",
                ours: rounds.median("grpc processor"), peer: rounds.median("http2 processor"),
                peerName: "NIOHTTP2 + NIOSSL", better: .lower, target: nil, threads: 1))
    }
}
