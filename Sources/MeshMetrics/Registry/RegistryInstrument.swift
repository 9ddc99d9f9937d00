import CoreMetrics
import Synchronization
import Telemetry

/// One user's instrument of swift-metrics, of whichever kind its series is.
final class RegistryInstrument: Sendable {
    private let family: OpenFamily
    private let series: OpenSeries
    private let isDestroyed = Atomic(false)

    init(_ family: OpenFamily, _ series: OpenSeries) {
        self.family = family
        self.series = series
    }

    /// Gives the series back, once.
    func destroy() {
        if !isDestroyed.exchange(true, ordering: .relaxed) { family.release(series) }
    }
}

extension RegistryInstrument: CounterHandler, FloatingPointCounterHandler {
    func increment(by amount: Int64) { series.increment(by: amount) }

    /// A counter's step, or a meter's: swift-metrics calls both the same.
    func increment(by amount: Double) {
        if family.kind == .gauge { series.add(amount) } else { series.increment(by: amount) }
    }

    func reset() { series.reset() }
}

extension RegistryInstrument: MeterHandler {
    func set(_ value: Int64) { series.set(Double(value)) }
    func set(_ value: Double) { series.set(value) }
    func decrement(by amount: Double) { series.add(-amount) }
}

extension RegistryInstrument: RecorderHandler {
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        if family.kind == .gauge { series.set(value) } else { series.record(value) }
    }
}

extension RegistryInstrument: TimerHandler {
    func recordNanoseconds(_ duration: Int64) { series.record(nanoseconds: duration) }

    /// Prometheus has seconds.
    func preferDisplayUnit(_ unit: TimeUnit) {}
}
