import Testing

@testable import Telemetry

@Suite struct HistogramSnapshotTests {
    @Test("quantiles are within a bucket's width of the exact ones, over six orders of magnitude")
    func quantiles() throws {
        let seed: UInt64 = 0x99
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let histogram = LatencyHistogram()
        var durations: [Int64] = []
        for _ in 0..<20_000 {
            let nanoseconds = Int64.random(in: 1...9, using: &generator) << Int64.random(in: 8...28, using: &generator)
            durations.append(nanoseconds)
            histogram.record(nanoseconds: nanoseconds)
        }
        durations.sort()
        let snapshot = histogram.snapshot()
        for q in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = Double(durations[max(0, Int((q * 20_000).rounded(.up)) - 1)]) / 1e9
            let estimate = try #require(snapshot.quantile(q))
            #expect(abs(estimate / exact - 1) < 0.045, "q \(q): \(estimate) for \(exact)")
        }
    }

    @Test("an even spread within a bucket is read back to a hundredth of a per cent")
    func interpolation() throws {
        var snapshot = HistogramSnapshot()
        let position = 480
        snapshot.add(1_000, toCell: position)
        let (lower, upper) = (ExponentialBuckets.lowerBound(at: position), ExponentialBuckets.upperBound(at: position))
        let middle = try #require(snapshot.quantile(0.5))
        #expect(abs(middle * middle / (lower * upper) - 1) < 1e-4)
        #expect(snapshot.quantile(0) == lower)
        #expect(abs(try #require(snapshot.quantile(1)) / upper - 1) < 1e-9)
    }

    @Test("an empty snapshot has no quantiles")
    func empty() {
        #expect(HistogramSnapshot().quantile(0.5) == nil)
        #expect(HistogramSnapshot().sum == 0)
    }

    @Test("merged snapshots are what one histogram would have counted")
    func merge() {
        let (first, second, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for step in 1...500 {
            let duration = Duration.microseconds(step * step)
            (step.isMultiple(of: 3) ? first : second).record(duration)
            both.record(duration)
        }
        var merged = first.snapshot()
        merged.merge(second.snapshot())
        #expect(merged == both.snapshot())
    }

    @Test("counts at powers of two are exact on both sides of the bound")
    func exactBounds() {
        let histogram = LatencyHistogram()
        histogram.record(nanoseconds: 1_000_000_000)
        histogram.record(nanoseconds: 1_000_000_001)
        #expect(histogram.snapshot().counts(atMostTwoTo: -1...2) == [0, 1, 2, 2])
        #expect(histogram.snapshot().counts(atMostTwoTo: 100...100) == [2])
        #expect(histogram.snapshot().counts(atMostTwoTo: -100...(-100)) == [0])
    }
}
