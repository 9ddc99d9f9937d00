import Synchronization

/// The series of one name that a host's own instruments have made: each has the labels that it came with, and goes when its
/// users have gone. The mesh's own metrics are in ``MetricFamily``, whose labels are fixed.
///
/// Asking for a series takes a lock, using its instrument does not. A family holds at most as many series as its registry
/// allows; further ones share one, which is counted as ``MetricsRegistry/overflowCounterName``.
package final class OpenFamily: Sendable {
    /// What its series are.
    package enum Kind: Sendable {
        /// Whole numbers that rise.
        case counter
        /// Other numbers that rise.
        case sum
        case gauge
        /// Times, in seconds.
        case durations
        /// Values of any unit.
        case values
    }

    private struct State {
        var series: [[UInt8]: (series: OpenSeries, users: Int)] = [:]
        var overflow: OpenSeries?
    }

    /// The name that its samples have or begin with.
    package let name: String
    package let kind: Kind
    let help: String
    private let maximumSeries: Int
    private let onOverflow: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        _ name: String, _ kind: Kind, help: String, maximumSeries: Int, onOverflow: @escaping @Sendable () -> Void
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.maximumSeries = maximumSeries
        self.onOverflow = onOverflow
    }

    /// The series with these labels, with one more user. Names that are no labels are made some; of two of a name the
    /// later counts, and an empty value leaves its label out.
    package func series(_ labels: [(String, String)]) -> OpenSeries {
        let text = Self.text(of: labels)
        let (series, overflowed) = state.withLock { state in
            if let (known, users) = state.series[text] {
                state.series[text] = (known, users + 1)
                return (known, false)
            }
            if state.series.count < maximumSeries {
                let series = OpenSeries(kind, labels: text)
                state.series[text] = (series, 1)
                return (series, false)
            }
            let series = state.overflow ?? OpenSeries(kind, labels: LabelText.overflow)
            state.overflow = series
            return (series, true)
        }
        if overflowed { onOverflow() }
        return series
    }

    /// A user of a series has gone; with the last one the series goes. The one that is shared for want of room stays.
    package func release(_ series: OpenSeries) {
        state.withLock { state in
            guard let (known, users) = state.series[series.labels], known === series else { return }
            state.series[series.labels] = users > 1 ? (known, users - 1) : nil
        }
    }

    /// Every series in the order of their labels' bytes, then the one that is shared.
    func allSeries() -> [OpenSeries] {
        state.withLock { state in
            state.series.values.map(\.series).sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
                + (state.overflow.map { [$0] } ?? [])
        }
    }

    private static func text(of labels: [(String, String)]) -> [UInt8] {
        var values: [String: String] = [:]
        for (name, value) in labels { values[MetricName.label(from: name)] = value }
        let names = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return LabelText.render(names, names.map { values[$0] ?? "" })
    }
}
