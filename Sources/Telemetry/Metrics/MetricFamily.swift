import Synchronization

/// The series of one metric name: one instrument for each combination of label values.
///
/// Ask for a series when a route, method or connection is set up and keep the instrument; asking takes a lock, using
/// the instrument does not. A family holds at most as many series as its registry allows; further combinations share
/// one overflow series, and each time that happens is counted.
/// ```swift
/// let requests = registry.counter("request_total", help: "Requests begun.", labels: "direction", "method")
/// let push = requests.series("inbound", "meshwork.Parameters/Push")     // once
/// push.increment()                                                      // for each request
/// ```
public final class MetricFamily<Instrument: AnyObject & Sendable>: Sendable {
    /// One combination of label values and its instrument.
    package struct Series: Sendable {
        /// One for each label; nil: the overflow series.
        package let values: [String]?
        package let instrument: Instrument
        /// The labels as they stand between a sample's braces.
        let labels: [UInt8]
    }

    private struct State {
        var series: [[String]: Instrument] = [:]
        var overflow: Instrument?
        /// All in order, as the last reader left them; nil: a series came since.
        var inOrder: [Series]?
    }

    /// The metric's name.
    public let name: String
    /// The label names, in the order that ``series(_:)`` takes values in.
    public let labels: [String]
    let help: String
    private let maximumSeries: Int
    private let make: @Sendable () -> Instrument
    private let onOverflow: @Sendable () -> Void
    private let state: Mutex<State>

    init(
        name: String, help: String, labels: [String], maximumSeries: Int, make: @escaping @Sendable () -> Instrument,
        onOverflow: @escaping @Sendable () -> Void
    ) {
        self.name = name
        self.help = help
        self.labels = labels
        self.maximumSeries = maximumSeries
        self.make = make
        self.onOverflow = onOverflow
        self.state = Mutex(State())
    }

    /// The instrument of one combination of label values, one for each of ``labels``; an empty value leaves its label
    /// out.
    ///
    /// The same values give the same instrument. Take values from configuration and verified identities only, never
    /// from what a caller may choose freely.
    public func series(_ values: String...) -> Instrument {
        series(values)
    }

    /// The instrument of one combination of label values, one for each of ``labels``; an empty value leaves its label
    /// out.
    public func series(_ values: [String]) -> Instrument {
        precondition(
            values.count == labels.count,
            "metric \(name): expected a value for each of \(labels), found \(values.count)")
        let (instrument, overflowed) = state.withLock { state in
            if let known = state.series[values] { return (known, false) }
            if state.series.count < maximumSeries {
                let instrument = make()
                state.series[values] = instrument
                state.inOrder = nil
                return (instrument, false)
            }
            if let known = state.overflow { return (known, true) }
            let instrument = make()
            state.overflow = instrument
            state.inOrder = nil
            return (instrument, true)
        }
        if overflowed { onOverflow() }
        return instrument
    }

    /// Every series in the order of their label values' bytes, then the overflow series.
    package func allSeries() -> [Series] {
        state.withLock { state in
            if let inOrder = state.inOrder { return inOrder }
            var all = state.series.sorted { left, right in
                left.key.lexicographicallyPrecedes(right.key) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }.map { values, instrument in
                Series(values: values, instrument: instrument, labels: LabelText.render(labels, values))
            }
            if let overflow = state.overflow {
                all.append(Series(values: nil, instrument: overflow, labels: LabelText.overflow))
            }
            state.inOrder = all
            return all
        }
    }
}
