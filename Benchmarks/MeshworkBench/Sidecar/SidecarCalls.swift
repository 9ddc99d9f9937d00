/// Calls of 64 bytes: their latency one at a time, their rate 64 at a time, the processor time of all processes that carry
/// them, and the memory of those that are added for it.
enum SidecarCalls {
    private static let depth = 64

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 7)
        var resident: [String: Double] = [:]
        var labels: [String: String] = [:]
        try await Peers.with { peers in
            let paths = try Self.paths(of: peers, isQuick: isQuick)
            labels = Dictionary(uniqueKeysWithValues: paths.map { ($0.key, $0.label) })
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, "\(Sidecar.name): calls")
                var (measured, p50) = (rounds, [String: Double]())
                for path in paths {
                    if path.single > 0 {
                        let (taken, processor) = try load(path, path.single, depth: 1)
                        p50[path.key] = taken.p50
                        measured.add(taken.p50, to: "\(path.key) p50")
                        measured.add(taken.p99, to: "\(path.key) p99")
                        measured.add(processor * 1e6 / Double(path.single), to: "\(path.key) processor 1")
                    }
                    if path.many > 0 {
                        let (taken, processor) = try load(path, path.many, depth: depth)
                        measured.add(Double(path.many) / taken.seconds, to: "\(path.key) calls")
                        measured.add(processor * 1e6 / Double(path.many), to: "\(path.key) processor \(depth)")
                    }
                }
                // Within a round, which a slower minute of the machine slows on both sides.
                for (path, base) in Self.bases {
                    guard let with = p50[path], let without = p50[base] else { continue }
                    measured.add(with - without, to: "\(path) added")
                }
                // The first round warms all sides up.
                if round > 0 { rounds = measured }
            }
            resident = try Dictionary(uniqueKeysWithValues: paths.map { ($0.key, try mebibytes(of: $0)) })
        }
        SidecarFigures(rounds: rounds, resident: resident, labels: labels, depth: depth).add(to: &report)
    }

    /// What each is measured against to tell what it adds.
    private static let bases = [
        "mesh": "plain", "mesh one": "plain", "bare": "plain", "envoy-tcp": "plain", "haproxy-tcp": "plain",
        "envoy-http": "http",
        "grpcio envoy-http": "grpcio",
    ]

    private static func paths(of peers: Peers, isQuick: Bool) throws -> [SidecarPath] {
        // Those that are slow make fewer; round 0 warms all up.
        let (single, many) = isQuick ? (1_000, 32_000) : (5_000, 128_000)
        var paths: [SidecarPath] = []

        let plain = try peers.server("plain-echo")
        var tcp = [("plain", "NIO echo, direct", [PeerProcess]())]
        for proxy in [SidecarProxy.envoyTCP, .haproxy] {
            tcp.append((proxy.rawValue, proxy.label, try proxy.start(before: plain, peers)))
        }
        for (key, label, proxies) in tcp {
            let entry = proxies.first ?? plain
            paths.append(
                SidecarPath(
                    key: key, label: label, client: try peers.client("plain-echo-client", of: entry), proxies: proxies,
                    server: plain, single: single, many: many))
        }
        for (key, label, proxies) in tcp {
            let entry = proxies.first ?? plain
            paths.append(
                SidecarPath(
                    key: "\(key) spread", label: "\(label), \(BareEchoClients.count) connections",
                    client: try peers.client("plain-echo-clients", of: entry), proxies: proxies, server: plain,
                    single: 0, many: many / 2))
        }

        // What mutual TLS alone adds, in the process.
        let bare = try peers.server("bare-echo")
        paths.append(
            SidecarPath(
                key: "bare", label: "NIO + NIOSSL echo, direct", client: try peers.client("bare-echo-client", of: bare),
                proxies: [], server: bare, single: single, many: many))

        let http = try peers.server("plain-http2")
        let httpPair = try SidecarProxy.envoyHTTP.start(before: http, peers)
        let httpPaths: [(String, String, [PeerProcess])] = [
            ("http", "NIOHTTP2 echo, direct", []), ("envoy-http", SidecarProxy.envoyHTTP.label, httpPair),
        ]
        for (key, label, proxies) in httpPaths {
            paths.append(
                SidecarPath(
                    key: key, label: label,
                    client: try peers.client("plain-http2-client", of: proxies.first ?? http), proxies: proxies,
                    server: http, single: single / 2, many: many / 4))
        }

        let grpcio = try GRPCIOPeer.server(peers, isPlain: true)
        let grpcioPair = try SidecarProxy.envoyHTTP.start(before: grpcio, peers)
        let grpcioPaths: [(String, String, [PeerProcess])] = [
            ("grpcio", "grpcio echo, direct", []),
            ("grpcio envoy-http", "\(SidecarProxy.envoyHTTP.label), grpcio", grpcioPair),
        ]
        for (key, label, proxies) in grpcioPaths {
            paths.append(
                SidecarPath(
                    key: key, label: label,
                    client: try GRPCIOPeer.client(peers, of: proxies.first ?? grpcio, isPlain: true),
                    proxies: proxies, server: grpcio, single: single / 5))
        }

        let mesh = try peers.server(TaxStep.tracing.serverRole)
        for (key, role) in [("mesh", TaxStep.tracing.clientRole), ("mesh one", "mesh-client-of-one-endpoint")] {
            paths.append(
                SidecarPath(
                    key: key, label: "Meshwork", client: try peers.client(role, of: mesh), proxies: [], server: mesh,
                    single: single, many: many / 2))
        }
        return paths
    }

    /// Has a path's client make calls.
    ///
    /// - Returns: what they took, and the processor time of every process that carried them.
    private static func load(
        _ path: SidecarPath, _ calls: Int, depth: Int
    ) throws -> (load: LoadReport, processorSeconds: Double) {
        let before = try path.processorSecondsBesideClient()
        let load: LoadReport = try path.client.ask("load \(calls) \(depth)")
        return (load, try path.processorSecondsBesideClient() - before + load.processorSeconds)
    }

    /// What is resident of a path's proxies; of the client and the server where there are none.
    private static func mebibytes(of path: SidecarPath) throws -> Double {
        let processes = path.proxies.isEmpty ? [path.client, path.server] : path.proxies
        return Double(try processes.map { try $0.report().residentBytes }.reduce(0, +)) / 1_048_576
    }
}
