import MeshworkTesting
import ParameterServer

/// How a simulated job under disturbances ended.
struct ChaosOutcome: Sendable {
    var seed: UInt64
    var schedule: ChaosSchedule
    var audit: PushAudit
    /// What is not as it must be; empty if all is.
    var violations: [String]
    var trace: EventTrace

    /// What to do to see it again, and what happened.
    var replay: String {
        "seed \(seed); MESHWORK_SIMULATION_SEED=\(seed) repeats it\n"
            + schedule.entries.map { "  \($0)\n" }.joined()
    }
}
