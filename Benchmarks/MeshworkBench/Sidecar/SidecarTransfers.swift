import NIOCore

/// Payloads of 16 MiB, one at a time: bytes a second, and the processor time of all processes that carry them.
enum SidecarTransfers {
    private static let bytes = 16 << 20

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 3 : 7)
        var labels: [String: String] = [:]
        try await Peers.with { peers in
            let paths = try paths(of: peers, isQuick: isQuick)
            labels = Dictionary(uniqueKeysWithValues: paths.map { ($0.key, $0.label) })
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, "\(Sidecar.name): transfers")
                for path in paths {
                    // Ours has a hundred endpoints, and so as many connections to make before it is warm.
                    let count = round == 0 && path.key == "mesh" ? 4 * path.single : path.single
                    let before = try path.client.report().processorSeconds + path.processorSecondsBesideClient()
                    let start = NIODeadline.now()
                    let _: [Double] = try path.client.ask("send \(bytes) \(count) 1")
                    let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
                    let after = try path.client.report().processorSeconds + path.processorSecondsBesideClient()
                    guard round > 0 else { continue }
                    let gigabytes = Double(count * bytes) / 1e9
                    rounds.add(gigabytes / seconds, to: path.key)
                    rounds.add((after - before) / gigabytes, to: "\(path.key) processor")
                }
            }
        }
        let pairs = SidecarProxy.allCases.map(\.rawValue)
        let fastest = pairs.max { rounds.median($0) < rounds.median($1) }
        for peer in ["plain", "bare", "http"] + pairs {
            report.add(
                Figure(
                    benchmark: Sidecar.name, name: "payloads of 16 MiB, one at a time", unit: "GB/s",
                    ours: rounds.median("mesh"), peer: rounds.median(peer), peerName: labels[peer], better: .higher,
                    target: peer == fastest ? 2 : nil, threads: 1))
        }
        for peer in ["plain", "bare", "http"] + pairs {
            report.add(
                Figure(
                    benchmark: Sidecar.name, name: "processor time of all processes for payloads of 16 MiB",
                    unit: "s/GB", ours: rounds.median("mesh processor"), peer: rounds.median("\(peer) processor"),
                    peerName: labels[peer], better: .lower, target: nil, threads: 1))
        }
    }

    private static func paths(of peers: Peers, isQuick: Bool) throws -> [SidecarPath] {
        let count = isQuick ? 16 : 64
        let (sink, http) = (try peers.server("plain-sink"), try peers.server("plain-http2"))
        func path(
            _ key: String, _ label: String, _ role: String, _ proxies: [PeerProcess], _ server: PeerProcess
        ) throws -> SidecarPath {
            SidecarPath(
                key: key, label: label, client: try peers.client(role, of: proxies.first ?? server), proxies: proxies,
                server: server, single: count)
        }
        func pair(_ proxy: SidecarProxy, _ role: String, _ server: PeerProcess) throws -> SidecarPath {
            try path(proxy.rawValue, proxy.label, role, try proxy.start(before: server, peers), server)
        }
        let mesh = try peers.server(TaxStep.tracing.serverRole)
        return [
            try path("plain", "NIO, direct", "plain-sink-client", [], sink),
            try path("bare", "NIO + NIOSSL, direct", "bare-sink-client", [], try peers.server("bare-sink")),
            try pair(.envoyTCP, "plain-sink-client", sink),
            try pair(.haproxy, "plain-sink-client", sink),
            try path("http", "NIOHTTP2, direct", "plain-http2-client", [], http),
            try pair(.envoyHTTP, "plain-http2-client", http),
            try path("mesh", "Meshwork, everything on", TaxStep.tracing.clientRole, [], mesh),
        ]
    }
}
