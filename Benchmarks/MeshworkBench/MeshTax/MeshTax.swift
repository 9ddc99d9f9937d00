import Identity
import MeshTransport

/// `mesh-tax`: what a call costs with each of the mesh's parts switched on in turn, on top of those before it.
///
/// Metrics are in the first step: they cannot be switched off (the case `telemetry` has what recording costs). A policy
/// is asked once for a connection and method, which is what its users pay (the case `policy` has what an answer costs).
/// What the mesh costs that calls are spread over is told beside calls that are spread without it.
enum MeshTax: Benchmark {
    static let name = "mesh-tax"
    static let summary = "calls of 64 B with policy, retries, balancing, tap and tracing switched on in turn"

    private static let depth = 64

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var rounds = Rounds(count: isQuick ? 8 : 40)
        try await AwakeProcessors.with { rounds = try await measure(rounds, isQuick: isQuick) }
        let allocations = try await allocations(calls: isQuick ? 4_000 : 20_000)
        for step in TaxStep.allCases {
            add(step, "p50 of one call at a time", "µs", "p50", rounds, .lower, into: &report)
            add(step, "the client's processor time a call, 64 in flight", "µs", "client", rounds, .lower, into: &report)
            add(step, "the server's processor time a call, 64 in flight", "µs", "server", rounds, .lower, into: &report)
            add(step, "calls/s, 64 in flight", "calls/s", "calls", rounds, .higher, into: &report)
            let (ours, bare) = (allocations[step], allocations[.bare])
            report.add(
                Figure(
                    benchmark: name, name: "\(step): the client's allocations a call", unit: "", ours: ours ?? .nan,
                    peer: step == .bare ? nil : bare, peerName: step == .bare ? nil : "\(TaxStep.bare)",
                    better: .lower, target: nil, threads: 1))
        }
        func addition(_ what: String, _ unit: String, _ side: String, atMost target: Double) {
            for base in [TaxStep.spread, .bare] {
                report.add(
                    Figure(
                        benchmark: name, name: "everything on adds to \(what), beside \(base)", unit: unit,
                        ours: rounds.medianAddition("\(TaxStep.tracing) \(side)", to: "\(base) \(side)"), peer: nil,
                        peerName: nil, better: .lower,
                        target: target, threads: 1))
            }
        }
        addition("p50", "µs", "p50", atMost: 3)
        addition("the client's processor time", "µs", "client", atMost: 1)
        addition("the server's processor time", "µs", "server", atMost: 1)
        for base in [TaxStep.spread, .bare] {
            report.add(
                Figure(
                    benchmark: name, name: "everything on: calls/s, 64 in flight", unit: "calls/s",
                    ours: rounds.median("\(TaxStep.tracing) calls"), peer: rounds.median("\(base) calls"),
                    peerName: "\(base)", better: .higher, target: 0.85, threads: 1))
        }
    }

    /// Short rounds and many of them: what a step adds is told within a round, which lasts as little as it can.
    private static func measure(_ rounds: Rounds, isQuick: Bool) async throws -> Rounds {
        let (single, many) = isQuick ? (300, 6_400) : (1_000, 19_200)
        var rounds = rounds
        try await Peers.with { peers in
            // A processor for each side: two processes that meet on one wake each other faster than on two, now and then.
            let pairs = try TaxStep.allCases.map { step in
                let server = try peers.server(step.serverRole, processor: 1)
                return (step: step, server: server, client: try peers.client(step.clientRole, of: server, processor: 0))
            }
            for round in 0...rounds.count {
                Progress.round(round, of: rounds.count, name)
                for (step, server, client) in pairs {
                    let alone: LoadReport = try client.ask("load \(single) 1")
                    let before = try server.report()
                    let load: LoadReport = try client.ask("load \(many) \(depth)")
                    let after = try server.report()
                    // The first round warms all sides up.
                    guard round > 0 else { continue }
                    func perCall(_ seconds: Double) -> Double { seconds * 1e6 / Double(many) }
                    rounds.add(alone.p50, to: "\(step) p50")
                    rounds.add(Double(many) / load.seconds, to: "\(step) calls")
                    rounds.add(perCall(load.processorSeconds), to: "\(step) client")
                    rounds.add(perCall(after.processorSeconds - before.processorSeconds), to: "\(step) server")
                }
            }
        }
        return rounds
    }

    private static func add(
        _ step: TaxStep, _ what: String, _ unit: String, _ side: String, _ rounds: Rounds, _ better: Figure.Better,
        into report: inout Report
    ) {
        let isBare = step == .bare
        report.add(
            Figure(
                benchmark: name, name: "\(step): \(what)", unit: unit, ours: rounds.median("\(step) \(side)"),
                peer: isBare ? nil : rounds.median("\(TaxStep.bare) \(side)"),
                peerName: isBare ? nil : "\(TaxStep.bare)",
                better: better, target: nil, threads: 1))
    }

    /// What the client allocates a call, one at a time, in processes of their own that count it.
    private static func allocations(calls: Int) async throws -> [TaxStep: Double] {
        var found: [TaxStep: Double] = [:]
        for step in TaxStep.allCases {
            try await Peers.with { peers in
                let server = try peers.server(step.serverRole)
                let client = try peers.client(step.clientRole, of: server, isCounted: true)
                let _: LoadReport = try client.ask("load 1000 1")
                let before = try client.report()
                let _: LoadReport = try client.ask("load \(calls) 1")
                guard let first = before.memory, let last = try client.report().memory else {
                    throw BenchmarkFailure("the client of \(step) does not count its allocations")
                }
                found[step] = Double(last.allocations - first.allocations) / Double(calls)
            }
        }
        return found
    }
}
