import Testing

@testable import Telemetry

@Suite struct HistogramCellsTests {
    @Test("no two of Linkerd's bounds lie in one bucket, and each lies in the one it is said to")
    func positions() {
        #expect(LinkerdBuckets.milliseconds.count == 25)
        #expect(Set(LinkerdBuckets.positions).count == 25)
        for (bound, position) in zip(LinkerdBuckets.milliseconds, LinkerdBuckets.positions) {
            let seconds = Double(bound) / 1e3
            #expect(ExponentialBuckets.lowerBound(at: position) < seconds)
            #expect(seconds <= ExponentialBuckets.upperBound(at: position))
        }
    }

    @Test("counts at Linkerd's bounds are exact on both sides of each", arguments: 0..<25)
    func edges(bound: Int) {
        let nanoseconds = Int64(LinkerdBuckets.milliseconds[bound]) * 1_000_000
        let histogram = LatencyHistogram()
        for _ in 0..<3 { histogram.record(nanoseconds: nanoseconds) }
        histogram.record(nanoseconds: nanoseconds - 1)
        for _ in 0..<5 { histogram.record(nanoseconds: nanoseconds + 1) }
        let counts = countsAtBounds(histogram)
        #expect(counts[bound] == 4)
        #expect(bound == 0 || counts[bound - 1] == 0)
        #expect(bound == 24 || counts[bound + 1] == 9)
    }

    @Test("counts at Linkerd's bounds are those of a linear scan, on shards too")
    func random() {
        let seed: UInt64 = 0x11C
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let registry = MetricsRegistry()
        let histogram = registry.histogram("wait_seconds", help: "").series()
        let shard = registry.makeShard()
        var durations: [UInt64] = []
        for step in 0..<20_000 {
            let duration = generator.next() >> UInt64.random(in: 20...50, using: &generator)
            durations.append(duration)
            histogram.record(nanoseconds: Int64(duration), on: step.isMultiple(of: 2) ? shard : nil)
        }
        let expected = LinkerdBuckets.milliseconds.map { bound in
            UInt64(durations.count { $0 <= bound * 1_000_000 })
        }
        #expect(countsAtBounds(histogram) == expected)
    }

    private func countsAtBounds(_ histogram: LatencyHistogram) -> [UInt64] {
        var counts: [UInt64] = []
        histogram.snapshot().appendCountsAtLinkerdBounds(to: &counts)
        return counts
    }
}
