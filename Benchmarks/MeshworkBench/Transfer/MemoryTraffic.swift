/// What a call allocates and a transfer copies, counted in processes of their own.
enum MemoryTraffic {
    static func run(isQuick: Bool, into report: inout Report) async throws {
        Progress.say("\(Transfer.name): allocations and copies")
        var figures: [Figure] = []
        try await Peers.with { peers in
            let mesh = try CountedPair("mesh", "mesh-client", peers)
            let echo = try CountedPair("bare-echo", "bare-echo-client", peers)
            let sink = try CountedPair("bare-sink", "bare-sink-client", peers)
            figures += try await allocations(of: mesh, beside: echo)
            figures += try await growth(of: mesh, calls: isQuick ? 100_000 : 1_000_000)
            figures += try await copies(of: mesh, beside: sink)
        }
        for figure in figures { report.add(figure) }
    }

    /// Allocations of one call at a time.
    private static func allocations(of mesh: CountedPair, beside bare: CountedPair) async throws -> [Figure] {
        func perCall(_ pair: CountedPair) async throws -> (client: Double, server: Double) {
            let calls = 10_000
            // Whatever is made once has been made.
            _ = try await pair.client.echo(1_000, depth: 1)
            let before = try pair.counts()
            _ = try await pair.client.echo(calls, depth: 1)
            let after = try pair.counts()
            return (
                Double(after.client.allocations - before.client.allocations) / Double(calls),
                Double(after.server.allocations - before.server.allocations) / Double(calls)
            )
        }
        let (ours, theirs) = (try await perCall(mesh), try await perCall(bare))
        return [("client", ours.client, theirs.client), ("server", ours.server, theirs.server)].flatMap {
            side, ours, theirs in
            [
                Figure(
                    benchmark: Transfer.name, name: "allocations of a unary call on the \(side)", unit: "", ours: ours,
                    peer: theirs, peerName: "NIO + NIOSSL", better: .lower, target: nil, threads: 1),
                Figure(
                    benchmark: Transfer.name, name: "allocations of a unary call on the \(side) above the bare echo's",
                    unit: "", ours: ours - theirs, peer: nil, peerName: nil, better: .lower, target: 12, threads: 1),
            ]
        }
    }

    /// What is alive after many calls and was not before.
    private static func growth(of mesh: CountedPair, calls: Int) async throws -> [Figure] {
        _ = try await mesh.client.echo(20_000, depth: 64)
        let before = try mesh.counts()
        // In pieces: each has to name its calls' latencies.
        for _ in 0..<10 { _ = try await mesh.client.echo(calls / 10, depth: 64) }
        let after = try mesh.counts()
        return [("client", before.client, after.client), ("server", before.server, after.server)].flatMap {
            side, before, after in
            [
                Figure(
                    benchmark: Transfer.name, name: "allocations alive after \(calls) calls more, on the \(side)",
                    unit: "", ours: Double(after.liveAllocations - before.liveAllocations), peer: nil, peerName: nil,
                    better: .lower, target: 100, threads: 1),
                Figure(
                    benchmark: Transfer.name, name: "bytes alive after \(calls) calls more, on the \(side)",
                    unit: "KiB", ours: Double(after.liveBytes - before.liveBytes) / 1_024, peer: nil, peerName: nil,
                    better: .lower, target: 64, threads: 1),
            ]
        }
    }

    /// How often each byte of a payload is copied on its way, in calls of memcpy and memmove of 4 KiB and more.
    private static func copies(of mesh: CountedPair, beside bare: CountedPair) async throws -> [Figure] {
        func perByte(_ pair: CountedPair) async throws -> Double {
            let (bytes, count) = (16 << 20, 32)
            try await pair.client.send(bytes, count: 2, depth: Transfer.depth)
            // Making the payload copies as well, and is no part of sending it.
            let making = try await pair.copiedBytes { try await pair.client.send(bytes, count: 0, depth: 1) }
            let sending = try await pair.copiedBytes {
                try await pair.client.send(bytes, count: count, depth: Transfer.depth)
            }
            return Double(sending - making) / Double(bytes * count)
        }
        let (ours, theirs) = (try await perByte(mesh), try await perByte(bare))
        return [
            Figure(
                benchmark: Transfer.name, name: "copies of a payload's byte, both processes", unit: "", ours: ours,
                peer: theirs, peerName: "NIO + NIOSSL", better: .lower, target: nil, threads: 1),
            Figure(
                benchmark: Transfer.name, name: "copies of a payload's byte above the bare peer's", unit: "",
                ours: ours - theirs, peer: nil, peerName: nil, better: .lower, target: 1, threads: 1),
        ]
    }
}

/// A server and a client of it, each in a process whose allocations and copies are counted.
private struct CountedPair {
    let client: RemoteClient
    private let server: PeerProcess

    init(_ serverRole: String, _ clientRole: String, _ peers: Peers) throws {
        server = try peers.server(serverRole, isCounted: true)
        client = RemoteClient(process: try peers.client(clientRole, of: server, isCounted: true))
    }

    func counts() throws -> (client: MemoryCounts, server: MemoryCounts) {
        guard let client = try client.process.report().memory, let server = try server.report().memory else {
            throw BenchmarkFailure("a process does not count its memory: LD_PRELOAD had no effect on it")
        }
        return (client, server)
    }

    /// What both copy while `body` runs.
    func copiedBytes(_ body: () async throws -> Void) async throws -> Int {
        let before = try counts()
        try await body()
        let after = try counts()
        return after.client.copiedBytes - before.client.copiedBytes + after.server.copiedBytes
            - before.server.copiedBytes
    }
}
