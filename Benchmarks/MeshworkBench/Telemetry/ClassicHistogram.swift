import Synchronization

/// The usual histogram of Swift's Prometheus client: one lock, and every bucket that the value is not above is raised.
final class ClassicHistogram: Sendable {
    private struct State {
        var buckets = [UInt64](repeating: 0, count: ClassicHistogram.bounds.count)
        var count: UInt64 = 0
        var sum = 0.0
    }

    /// In seconds: the 14 of OpenTelemetry's conventions for calls.
    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

    private let state = Mutex(State())

    func record(_ seconds: Double) {
        state.withLock { state in
            for bucket in Self.bounds.indices where seconds <= Self.bounds[bucket] { state.buckets[bucket] += 1 }
            state.count += 1
            state.sum += seconds
        }
    }
}
