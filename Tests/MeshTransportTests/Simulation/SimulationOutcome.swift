import MeshTransport
import MeshWire
import MeshworkTesting

/// What a simulation came to.
struct SimulationOutcome: Sendable {
    /// What became of a client whose certificate is of a root that nobody trusts any more.
    enum Laggard: Sendable {
        case served
        /// Why, by the servers' own words.
        case refused(MeshError, by: [String])
    }

    let seed: UInt64
    let shape: MeshSimulation.Shape
    let start: RuntimeInstant
    let schedule: [Disturbance]
    /// What happened when, of the schedule.
    let events: String
    let calls: [CallJournal.Call]
    /// The endpoints that take calls, of all clients together, when the last call had ended.
    var readyEndpoints = 0
    /// The same after each second, where they are counted.
    var readySamples: [Int] = []
    var retries = 0
    var connectFailures = 0
    /// `nil` where the root was not changed.
    var laggard: Laggard?
    /// The connections that were open half a minute after everything had been closed.
    var connectionsLeft = 0
    /// Everything that happened.
    var trace = ""

    init(_ simulation: MeshSimulation, _ schedule: [Disturbance], _ calls: [CallJournal.Call]) {
        seed = simulation.seed
        shape = simulation.shape
        start = simulation.start
        events = simulation.events.text
        self.schedule = schedule
        self.calls = calls
    }

    /// What does not hold that must, each with the seed that repeats it.
    var violations: [String] {
        Invariant.all.flatMap { invariant in
            let found = invariant.violations(self)
            let more = found.count > 5 ? ["and \(found.count - 5) more"] : []
            return (found.prefix(5) + more).map { "\(invariant.name): \($0)" }
        }
    }

    /// How to repeat it, and what happened in it.
    var replay: String {
        "seed \(seed); MESHWORK_SIMULATION_SEED=\(seed) repeats it\n" + schedule.map { "  \($0)\n" }.joined() + events
    }

    /// When an instant was, from the schedule's beginning.
    func time(_ instant: RuntimeInstant) -> Duration { start.duration(to: instant) }

    /// One line about a call.
    func line(_ number: Int) -> String {
        let call = calls[number]
        let runs = call.runs.map { "\($0.server) at \(time($0.time))" }.joined(separator: ", ")
        let end = call.end.map { "\(time($0))" } ?? "never"
        return "call \(number) (\(call.kind.rawValue), client \(call.client), service \(call.service)) from "
            + "\(time(call.begin)) to \(end), run by [\(runs)]: "
            + (call.failure.map { "\($0)" } ?? call.answer ?? "no answer")
    }

    /// The runs of calls at a server from a time on until another, counted from the schedule's beginning.
    func runs(at server: String, from begin: Duration = .zero, to end: Duration = .seconds(1_000_000)) -> Int {
        calls.reduce(0) { sum, call in
            sum + call.runs.count { $0.server == server && time($0.time) >= begin && time($0.time) < end }
        }
    }

    /// The calls that were begun, and the attempts that reached a server, in each piece of `length` of the time until
    /// `end`.
    func load(in length: Duration, until end: Duration) -> [(offered: Int, arrived: Int)] {
        func piece(_ instant: RuntimeInstant) -> Int { Int(time(instant) / length) }
        var load = Array(repeating: (offered: 0, arrived: 0), count: Int(end / length))
        for call in calls {
            if load.indices.contains(piece(call.begin)) { load[piece(call.begin)].offered += 1 }
            for run in call.runs where load.indices.contains(piece(run.time)) { load[piece(run.time)].arrived += 1 }
        }
        return load
    }
}
