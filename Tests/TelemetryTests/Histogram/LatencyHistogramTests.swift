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
        #expect(snapshot.counts(atMostTwoTo: -2...0) == [1, 1, 3])
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
        #expect(snapshot.counts(atMostTwoTo: -30...(-29)) == [0, 3])
        #expect(snapshot.counts(atMostTwoTo: 12...12) == [3])
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

    @Test("the last exemplar of each octave is kept, and one above the last bucket too")
    func exemplars() throws {
        let histogram = LatencyHistogram()
        let traces = try (1...4).map { number in
            Exemplar(traceID: try #require(TraceID(high: 0, low: number)), spanID: try #require(SpanID(number)))
        }
        histogram.record(nanoseconds: 3_000_000_000, exemplar: traces[0])
        histogram.record(nanoseconds: 4_000_000_000, exemplar: traces[1])
        histogram.record(nanoseconds: 4_000_000_001, exemplar: traces[2])
        histogram.record(.seconds(10_000), exemplar: traces[3])
        histogram.record(nanoseconds: 3_000_000_000)
        let kept = histogram.exemplars()
        #expect(kept.map(\.nanoseconds) == [4_000_000_000, 4_000_000_001, 10_000_000_000_000])
        #expect(kept.map(\.exemplar) == Array(traces[1...]))
    }
}
