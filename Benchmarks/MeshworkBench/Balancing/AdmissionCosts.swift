import MeshTransport
import MeshworkTesting
import Telemetry

/// Nanoseconds that a destination's limit adds to a call: its place, taken and given back, and a turn in the queue.
enum AdmissionCosts {
    static func run(rounds count: Int, steps: Int, into report: inout Report) {
        var rounds = Rounds(count: count)
        let sides: [(name: String, body: (Int) -> Double)] = [
            ("a place taken and given back, fixed limit", { place(.fixed(100), $0) }),
            ("a place taken and given back, limit by latency", { place(.gradient(GradientConfiguration()), $0) }),
            ("the same behind its mutex, counted, fixed limit", { shared(.fixed(100), $0) }),
            (
                "the same behind its mutex, counted, limit by latency",
                { shared(.gradient(GradientConfiguration()), $0) }
            ),
            ("a wait and a turn among 10,000", { turn($0) }),
        ]
        for _ in 0..<count {
            for side in sides { rounds.add(side.body(steps), to: side.name) }
        }
        for side in sides {
            report.add(
                Figure(
                    benchmark: BalancerCosts.name, name: side.name, unit: "ns", ours: rounds.median(side.name),
                    peer: nil, peerName: nil, better: .lower, target: nil, threads: 1))
        }
    }

    private static func place(_ limit: ConcurrencyLimit, _ steps: Int) -> Double {
        var admission = AdmissionAlone(AdmissionRule("bench", limit: limit))
        return StepTimer.nanoseconds(steps) { step in
            let now = Duration.microseconds(step)
            guard case .admitted = admission.arrive(step, at: now, deadline: .seconds(1_000)) else {
                preconditionFailure("no place is free")
            }
            _ = admission.ended(at: now, after: .milliseconds(5))
        }
    }

    private static func shared(_ limit: ConcurrencyLimit, _ steps: Int) -> Double {
        let admission = SharedAdmissionAlone(AdmissionRule("bench", limit: limit), metrics: MetricsRegistry())
        return StepTimer.nanoseconds(steps) { step in
            guard admission.pass(at: .microseconds(step), after: .milliseconds(5)) else {
                preconditionFailure("no place is free")
            }
        }
    }

    private static func turn(_ steps: Int) -> Double {
        var admission = AdmissionAlone(AdmissionRule("bench", limit: .fixed(1)))
        // Deadlines in no order, so that the heap has something to do.
        func arrive(_ step: Int) {
            _ = admission.arrive(
                step, at: .zero, deadline: .seconds(1_000) + .microseconds(step &* 7_919 % 1_000_003))
        }
        for step in 0..<10_000 { arrive(step) }
        return StepTimer.nanoseconds(steps) { step in
            arrive(10_000 + step)
            let turns = admission.ended(at: .zero, after: .microseconds(1))
            precondition(turns.count == 1)
        }
    }
}
