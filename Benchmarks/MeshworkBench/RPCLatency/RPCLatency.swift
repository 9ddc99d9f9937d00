import Identity

/// `rpc-latency`: a round trip of 64 bytes over mutual TLS, one call at a time, on both wires, each beside its peers in
/// the same run.
enum RPCLatency: Benchmark {
    static let name = "rpc-latency"
    static let summary = "round trip of 64 B with mutual TLS, on meshwork/1 and over gRPC"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 7)
        let (many, few) = isQuick ? (1_000, 300) : (5_000, 1_000)
        var hasGRPCIO = false
        try await Peers.with { peers in
            let (client, mesh) = (peers.identities.client, try peers.server("mesh"))
            let bare = try await BareEchoClient(port: try peers.server("bare-echo").port, as: client.current)
            let ours = try MeshSide.client(port: mesh.port, identity: client)
            let overGRPC = try MeshSide.client(port: mesh.port, identity: client, overGRPC: true)
            let http2 = try await HTTP2Client(
                port: try peers.server("http2").port, as: client.current, joinsRecords: false)
            let joined = try await HTTP2Client(
                port: try peers.server("http2-joined").port, as: client.current, joinsRecords: true)
            let grpcio = try GRPCIOPeer.start(peers)
            hasGRPCIO = grpcio != nil
            let grpcSwiftServer = try peers.server("grpc-swift")
            try await GRPCSwiftPeer.withClient(port: grpcSwiftServer.port, as: client.current) { grpcSwift in
                var sides: [(String, any EchoClient, Int)] = [
                    ("bare", bare, many),
                    ("mesh", MeshCaller(ours, isOnExecutor: true), many),
                    ("mesh task", MeshCaller(ours, isOnExecutor: false), many),
                    ("http2", http2, many),
                    ("http2 joined", joined, many),
                    ("grpc", MeshCaller(overGRPC, isOnExecutor: true), many),
                    ("grpc task", MeshCaller(overGRPC, isOnExecutor: false), many),
                    ("grpc-swift", grpcSwift, few),
                ]
                if let grpcio { sides.append(("grpcio", grpcio, few)) }
                for round in 0...rounds.count {
                    Progress.round(round, of: rounds.count, name)
                    for (side, client, calls) in sides {
                        let sorted = try await client.echo(calls, depth: 1).sorted()
                        guard round > 0 else { continue }
                        rounds.add(Statistics.percentile(0.5, ofSorted: sorted), to: side)
                        rounds.add(Statistics.percentile(0.99, ofSorted: sorted), to: side + " p99")
                    }
                }
            }
        }

        func figure(_ label: String, _ side: String, _ peer: String, _ peerName: String, atMost target: Double?) {
            report.add(
                Figure(
                    benchmark: name, name: label, unit: "µs", ours: rounds.median(side), peer: rounds.median(peer),
                    peerName: peerName, better: .lower, target: target, threads: 1))
        }
        figure("p50, caller on the mesh's executor", "mesh", "bare", "NIO + NIOSSL", atMost: 1.15)
        figure("p50, caller in an ordinary task", "mesh task", "bare", "NIO + NIOSSL", atMost: 1.35)
        figure("p99, caller on the mesh's executor", "mesh p99", "bare p99", "NIO + NIOSSL", atMost: 1.5)
        figure("p99, caller in an ordinary task", "mesh task p99", "bare p99", "NIO + NIOSSL", atMost: 1.5)
        figure("gRPC p50, caller on the mesh's executor", "grpc", "http2", "NIOHTTP2 + NIOSSL", atMost: 1.2)
        figure(
            "gRPC p50, caller on the mesh's executor", "grpc", "http2 joined", "NIOHTTP2, one record a flush, + NIOSSL",
            atMost: nil)
        figure("gRPC p50, caller in an ordinary task", "grpc task", "grpc-swift", "grpc-swift-2", atMost: 0.5)
        if hasGRPCIO {
            figure("gRPC p50, caller in an ordinary task", "grpc task", "grpcio", "grpcio", atMost: 0.6)
        }
        figure("gRPC p99, caller on the mesh's executor", "grpc p99", "http2 p99", "NIOHTTP2 + NIOSSL", atMost: nil)
    }
}
