import NIOCore

/// `connections`: what idle connections weigh on the server, what a large transfer leaves behind, and how many
/// handshakes a second are made, each beside bare NIO + NIOSSL in the same run.
enum Connections: Benchmark {
    static let name = "connections"
    static let summary = "memory of idle mutual-TLS connections, before and after transfers; handshakes a second"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        try await IdleConnections.run(isQuick: isQuick, into: &report)
        try await ConnectionsAfterTransfers.run(into: &report)
        try await Handshakes.run(isQuick: isQuick, into: &report)
    }
}

/// Resident memory of connections that have made one small call and are quiet.
enum IdleConnections {
    static func run(isQuick: Bool, into report: inout Report) async throws {
        let count = isQuick ? 2_000 : 10_000
        try DescriptorLimit.require(count)
        var kibibytes: [String: Double] = [:]
        for side in ["mesh", "bare"] {
            Progress.say("\(Connections.name): \(count) idle connections, \(side)")
            try await Peers.with { peers in
                let server = try peers.server(side == "mesh" ? "mesh" : "bare-echo")
                let connector: any Connector =
                    side == "mesh"
                    ? try MeshConnector(port: server.port, as: peers.identities.client)
                    : try BareConnector(port: server.port, as: peers.identities.client)
                // Whatever a server makes once has been made.
                let first = try await connector.open(16)
                let before = try server.report().residentBytes
                let rest = try await connector.open(count)
                let after = try server.report().residentBytes
                kibibytes[side] = Double(after - before) / Double(count) / 1_024
                for connection in first + rest { await connection.close() }
            }
        }
        report.add(
            Figure(
                benchmark: Connections.name, name: "resident on the server for an idle connection, \(count) of them",
                unit: "KiB", ours: kibibytes["mesh"] ?? .nan, peer: nil, peerName: nil, better: .lower, target: 45,
                threads: 1))
        report.add(
            Figure(
                benchmark: Connections.name, name: "resident on the server for an idle connection, \(count) of them",
                unit: "KiB", ours: kibibytes["mesh"] ?? .nan, peer: kibibytes["bare"], peerName: "NIO + NIOSSL",
                better: .lower, target: nil, threads: 1))
    }
}

/// Resident memory of connections that have carried a payload of 64 MiB and are quiet again.
///
/// The first connection's transfer comes before the measurement: it fills what the process has for all of its
/// connections, such as the cache of blocks that payloads are received into.
enum ConnectionsAfterTransfers {
    static func run(into report: inout Report) async throws {
        Progress.say("\(Connections.name): after transfers of 64 MiB")
        let (count, bytes) = (MeshCallers.count, 64 << 20)
        var mebibytes = (client: Double.nan, server: Double.nan)
        try await Peers.with { peers in
            let server = try peers.server("mesh")
            // A process of its own: what other cases have left must not count.
            let client = try peers.client("mesh-clients", of: server)
            let callers = RemoteClient(process: client)
            _ = try await callers.echo(count, depth: 1)
            try await callers.send(bytes, count: 1, depth: 1)
            let before = (client: try client.report().residentBytes, server: try server.report().residentBytes)
            try await callers.send(bytes, count: count, depth: 1)
            let after = (client: try client.report().residentBytes, server: try server.report().residentBytes)
            mebibytes.client = Double(after.client - before.client) / Double(count - 1) / 1_048_576
            mebibytes.server = Double(after.server - before.server) / Double(count - 1) / 1_048_576
        }
        for (side, value) in [("server", mebibytes.server), ("client", mebibytes.client)] {
            report.add(
                Figure(
                    benchmark: Connections.name, name: "resident on the \(side) for a connection after 64 MiB on it",
                    unit: "MiB", ours: value, peer: nil, peerName: nil, better: .lower, target: 2.5, threads: 1))
        }
    }
}

/// New connections a second, each with mutual TLS and a first call, four at a time.
enum Handshakes {
    static func run(isQuick: Bool, into report: inout Report) async throws {
        let count = isQuick ? 200 : 1_000
        try DescriptorLimit.require(4 * count)
        var rounds = Rounds(count: isQuick ? 3 : 5)
        try await Peers.with { peers in
            let (mesh, bare) = (try peers.server("mesh"), try peers.server("bare-echo"))
            let client = peers.identities.client
            let known: [(String, any Connector)] = [
                ("bare", try BareConnector(port: bare.port, as: client)),
                ("mesh", try MeshConnector(port: mesh.port, as: client)),
            ]
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, "\(Connections.name): handshakes")
                let identities = try (0..<count).map { _ in try peers.identities.newClient() }
                let sides =
                    known.map { ("\($0) cached", $1) }
                    + [
                        ("bare cold", try BareConnector(port: bare.port, as: identities)),
                        ("mesh cold", try MeshConnector(port: mesh.port, as: identities)),
                    ]
                for (side, connector) in sides {
                    let start = NIODeadline.now()
                    let connections = try await connector.open(count)
                    let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
                    for connection in connections { await connection.close() }
                    if round > 0 { rounds.add(Double(count) / seconds, to: side) }
                }
            }
        }
        for (side, label, target) in [
            ("cold", "certificates that nobody has seen", 0.8),
            ("cached", "certificates that were verified before", 0.95),
        ] {
            report.add(
                Figure(
                    benchmark: Connections.name, name: "new connections with a call, 4 at a time, \(label)",
                    unit: "1/s",
                    ours: rounds.median("mesh \(side)"), peer: rounds.median("bare \(side)"), peerName: "NIO + NIOSSL",
                    better: .higher, target: target, threads: 1))
        }
    }
}
