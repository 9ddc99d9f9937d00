/// One series of an ``OpenFamily``: recorded from any thread, without a lock.
package final class OpenSeries: Sendable {
    enum Instrument {
        case counter(Counter)
        case sum(Gauge)
        case gauge(Gauge)
        case durations(LatencyHistogram)
        case values(ValueHistogram)
    }

    /// As they stand between a sample's braces.
    let labels: [UInt8]
    let instrument: Instrument

    init(_ kind: OpenFamily.Kind, labels: [UInt8]) {
        self.labels = labels
        instrument =
            switch kind {
            case .counter: .counter(Counter())
            case .sum: .sum(Gauge())
            case .gauge: .gauge(Gauge())
            case .durations: .durations(LatencyHistogram())
            case .values: .values(ValueHistogram())
            }
    }

    /// Raises a counter. A number that rises does not fall: a negative amount counts nothing.
    package func increment(by amount: Int64) {
        guard case .counter(let counter) = instrument, amount > 0 else { return }
        counter.increment(by: UInt64(amount))
    }

    /// Raises a sum, if the amount is a number that is above zero.
    package func increment(by amount: Double) {
        guard case .sum(let sum) = instrument, amount > 0, amount.isFinite else { return }
        sum.add(amount)
    }

    /// Begins a counter or a sum at zero again, as Prometheus knows it of processes that begin again.
    package func reset() {
        switch instrument {
        case .counter(let counter): counter.reset()
        case .sum(let sum): sum.set(0)
        default: break
        }
    }

    /// Sets a gauge.
    package func set(_ value: Double) {
        if case .gauge(let gauge) = instrument { gauge.set(value) }
    }

    /// Raises or lowers a gauge.
    package func add(_ amount: Double) {
        if case .gauge(let gauge) = instrument { gauge.add(amount) }
    }

    /// Counts a time.
    package func record(nanoseconds: Int64) {
        if case .durations(let histogram) = instrument { histogram.record(nanoseconds: nanoseconds) }
    }

    /// Counts a value.
    package func record(_ value: Double) {
        if case .values(let histogram) = instrument { histogram.record(value) }
    }
}
