public import MeshTransport
import MeshWire
public import Telemetry

/// A destination's limit as the clients of a mesh share it, with its metrics and without calls: to see what it costs them.
public final class SharedAdmissionAlone: Sendable {
    private let control: AdmissionControl

    /// Makes a limit that counts in `metrics`, as the destination `alone`.
    public init(_ rule: AdmissionRule, metrics: MetricsRegistry) {
        control = AdmissionControl(rule, SystemRuntime.shared, metrics)
    }

    /// Takes a place at `time`, from zero on, and gives it back as if a call had taken `elapsed`; whether one was free.
    /// From any thread.
    public func pass(at time: Duration, after elapsed: Duration) -> Bool {
        control.pass(at: RuntimeInstant(nanoseconds: time.inNanoseconds), after: elapsed)
    }
}
