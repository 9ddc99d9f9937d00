import Testing

@testable import Telemetry

@Suite struct BucketLayoutTests {
    private func counts(_ layout: BucketLayout, _ durations: [Int64]) -> [UInt64] {
        let histogram = LatencyHistogram()
        for duration in durations { histogram.record(nanoseconds: duration) }
        var counts: [UInt64] = []
        layout.appendCounts(histogram.snapshot(), &counts)
        return counts
    }

    @Test("there is a count for every bound but the last, which is +Inf")
    func bounds() {
        for layout in [BucketLayout.seconds, .milliseconds(.prometheusText), .milliseconds(.openMetrics)] {
            #expect(counts(layout, [1_000_000]).count + 1 == layout.lineEnds.count)
            #expect(layout.lineEnds.count + 2 <= BucketLayout.mostLines)
            #expect(layout.lineEnds.last == Array("le=\"+Inf\"} ".utf8))
        }
        #expect(BucketLayout.seconds.lineEnds[16] == Array("le=\"1.0\"} ".utf8))
        #expect(BucketLayout.milliseconds(.prometheusText).lineEnds[0] == Array("le=\"1\"} ".utf8))
        #expect(BucketLayout.milliseconds(.openMetrics).lineEnds[0] == Array("le=\"1.0\"} ".utf8))
    }

    @Test("an exemplar is in the bucket of its value; of several, the longest is shown")
    func exemplars() throws {
        func exemplar(_ nanoseconds: UInt64) throws -> (nanoseconds: UInt64, exemplar: Exemplar) {
            (
                nanoseconds,
                Exemplar(traceID: try #require(TraceID(high: 0, low: 1)), spanID: try #require(SpanID(nanoseconds)))
            )
        }
        let values: [UInt64] = [10, 1_000, 1_000_000_000, 1_000_000_001, 64_000_000_001]
        let byBucket = BucketLayout.seconds.exemplars(try values.map(exemplar))
        #expect(
            byBucket.map { $0?.nanoseconds }.enumerated().filter { $0.element != nil }.map(\.offset) == [0, 16, 17, 23])
        #expect(byBucket[0]?.nanoseconds == 1_000)
        let milliseconds = BucketLayout.milliseconds(.openMetrics).exemplars(try values.map(exemplar))
        #expect(milliseconds[15]?.nanoseconds == 1_000_000_000)
        #expect(milliseconds[16]?.nanoseconds == 1_000_000_001)
    }
}
