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
    private struct State {
        var series: [[String]: Instrument] = [:]
        var overflow: Instrument?
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
                return (instrument, false)
            }
            let instrument = state.overflow ?? make()
            state.overflow = instrument
            return (instrument, true)
        }
        if overflowed { onOverflow() }
        return instrument
    }

    /// Every series in the order of their label values, then the overflow series, whose values are nil.
    func allSeries() -> [(values: [String]?, instrument: Instrument)] {
        let (series, overflow) = state.withLock { ($0.series, $0.overflow) }
        var all: [(values: [String]?, instrument: Instrument)] = series.sorted { left, right in
            left.key.lexicographicallyPrecedes(right.key) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }.map { ($0.key, $0.value) }
        if let overflow { all.append((nil, overflow)) }
        return all
    }
}
