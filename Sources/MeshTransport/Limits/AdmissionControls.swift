import MeshWire
import Synchronization

/// The limits of a mesh's destinations, for as long as a client has them. Guarded by a mutex.
final class AdmissionControls: Sendable {
    private struct Weak {
        weak var control: AdmissionControl?
    }

    private struct State {
        var policy: AdmissionPolicy
        var controls: [String: Weak] = [:]
    }

    private let runtime: any Runtime
    private let metrics: AdmissionMetrics
    private let state: Mutex<State>

    init(_ policy: AdmissionPolicy, _ runtime: any Runtime, _ metrics: AdmissionMetrics) {
        self.runtime = runtime
        self.metrics = metrics
        state = Mutex(State(policy: policy))
    }

    /// Goes by another policy, at all destinations.
    func follow(_ policy: AdmissionPolicy) {
        let known = state.withLock { state in
            state.policy = policy
            return state.controls.sorted { $0.key < $1.key }.compactMap { entry in
                entry.value.control.map { (destination: entry.key, control: $0) }
            }
        }
        for (destination, control) in known { control.follow(policy.rule(for: destination)) }
    }

    /// The limit of a destination.
    func control(of destination: String) -> AdmissionControl {
        state.withLock { state in
            if let known = state.controls[destination]?.control { return known }
            // Those that nobody has any more go when they are as many as the others.
            if state.controls.count >= 64, state.controls.count & (state.controls.count - 1) == 0 {
                state.controls = state.controls.filter { $0.value.control != nil }
            }
            let made = AdmissionControl(runtime) { [metrics] in metrics.series(destination) }
            if let rule = state.policy.rule(for: destination) { made.follow(rule) }
            state.controls[destination] = Weak(control: made)
            return made
        }
    }
}
