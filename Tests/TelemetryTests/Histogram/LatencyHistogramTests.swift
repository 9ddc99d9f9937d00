import Testing

@testable import Telemetry

@Suite struct LatencyHistogramTests {
    @Test("durations are counted and summed")
    func counts() {
        let histogram = LatencyHistogram()
        histogram.record(.milliseconds(250))
        histogram.record(.seconds(1))
        histogram.record(nanoseconds: 750_000_000)
        let snapshot = histogram.snapshot()
        #expect(snapshot.count == 3)
        #expect(snapshot.sum == 2)
        #expect(snapshot.count(atMostTwoTo: -2) == 1)
        #expect(snapshot.count(atMostTwoTo: -1) == 1)
        #expect(snapshot.count(atMostTwoTo: 0) == 3)
    }

    @Test("a duration below zero counts as zero, and one beyond all buckets is counted above them")
    func extremes() {
        let histogram = LatencyHistogram()
        histogram.record(.seconds(-5))
        histogram.record(.seconds(Int64.min))
        histogram.record(.zero)
        histogram.record(.seconds(5_000))
        histogram.record(.seconds(Int64.max))
        let snapshot = histogram.snapshot()
        #expect(snapshot.count == 5)
        #expect(snapshot.count(atMostTwoTo: -30) == 0)
        #expect(snapshot.count(atMostTwoTo: -29) == 3)
        #expect(snapshot.count(atMostTwoTo: 12) == 3)
        #expect(snapshot.quantile(1) == 4_096)
    }

    @Test("no duration is lost when many tasks record")
    func concurrent() async {
        let histogram = LatencyHistogram()
        await withTaskGroup(of: Void.self) { group in
            for task in 1...4 {
                group.addTask {
                    for step in 1...1_000 { histogram.record(nanoseconds: Int64(task * step)) }
                }
            }
        }
        let snapshot = histogram.snapshot()
        #expect(snapshot.count == 4_000)
        #expect(snapshot.sum == Double(10 * 500_500) / 1e9)
    }
}
