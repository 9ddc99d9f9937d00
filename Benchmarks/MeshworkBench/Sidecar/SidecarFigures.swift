/// The figures of calls, ours beside each way that others take.
struct SidecarFigures {
    let rounds: Rounds
    /// In mebibytes: of a path's proxies, or of the client and the server where there are none.
    let resident: [String: Double]
    let labels: [String: String]
    let depth: Int

    private static let tcpPairs = ["envoy-tcp", "haproxy-tcp"]
    private static let httpPairs = ["envoy-http", "grpcio envoy-http"]

    func add(to report: inout Report) {
        let (direct, pairs) = (["plain", "bare", "http", "grpcio"], Self.tcpPairs + Self.httpPairs)
        added(to: &report)
        for peer in direct + pairs {
            beside(peer, "p50, one call at a time", "µs", "p50", .lower, into: &report)
            beside(peer, "p99, one call at a time", "µs", "p99", .lower, into: &report)
        }
        let one = ["plain", "bare"] + Self.tcpPairs + ["http", "envoy-http"]
        let many = (["plain"] + Self.tcpPairs).map { "\($0) spread" } + ["envoy-http"]
        let ways = [
            ("mesh one", one, "ours to one endpoint"), ("mesh", many, "ours over \(TaxStep.endpoints) endpoints"),
        ]
        for (ours, peers, how) in ways {
            for peer in peers {
                beside(
                    peer, "calls/s, \(depth) in flight, \(how)", "calls/s", "calls", .higher, ours: ours, into: &report)
            }
            for peer in peers {
                beside(
                    peer, "processor time of all processes for a million calls, \(depth) in flight, \(how)", "s",
                    "processor \(depth)", .lower, ours: ours, into: &report)
            }
        }
        for peer in one {
            beside(
                peer, "processor time of all processes for a million calls, one at a time", "s", "processor 1", .lower,
                into: &report)
        }
        memory(to: &report)
    }

    /// What the mesh adds to a round trip beside what each pair does; the cheapest pair's sets one target, the pair's that
    /// knows calls another.
    private func added(to report: inout Report) {
        let cheapest = Self.tcpPairs.min { rounds.median("\($0) added") < rounds.median("\($1) added") }
        for pair in Self.tcpPairs + Self.httpPairs {
            let target: Double? = Self.httpPairs.contains(pair) ? 0.15 : pair == cheapest ? 0.5 : nil
            beside(
                pair, "added to the direct echo's p50, one call at a time", "µs", "added", .lower, atMost: target,
                into: &report)
        }
        for peer in ["bare"] + Self.tcpPairs + Self.httpPairs {
            beside(
                peer, "added to the direct echo's p50, one call at a time, ours to one endpoint", "µs", "added", .lower,
                ours: "mesh one", into: &report)
        }
    }

    private func memory(to report: inout Report) {
        let ours = (resident["mesh"] ?? .nan) - (resident["plain"] ?? .nan)
        for pair in Self.tcpPairs + Self.httpPairs.prefix(1) {
            report.add(
                Figure(
                    benchmark: Sidecar.name, name: "resident memory that is added, client's and server's side together",
                    unit: "MiB", ours: ours, peer: resident[pair], peerName: labels[pair], better: .lower, target: nil,
                    threads: 1))
        }
    }

    private func beside(
        _ peer: String, _ what: String, _ unit: String, _ value: String, _ better: Figure.Better,
        atMost target: Double? = nil, ours: String = "mesh", into report: inout Report
    ) {
        report.add(
            Figure(
                benchmark: Sidecar.name, name: what, unit: unit, ours: rounds.median("\(ours) \(value)"),
                peer: rounds.median("\(peer) \(value)"), peerName: labels[peer], better: better, target: target,
                threads: 1))
    }
}
