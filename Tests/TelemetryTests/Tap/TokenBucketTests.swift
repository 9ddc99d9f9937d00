import Testing

@testable import Telemetry

@Suite struct TokenBucketTests {
    private func take(from bucket: inout TokenBucket, at times: [Int64]) -> [Bool] {
        times.map { bucket.take(now: $0) }
    }

    @Test("after a pause a burst passes, and then so many a second")
    func rate() {
        var bucket = TokenBucket(perSecond: 10, burst: 3)
        let atOnce = take(from: &bucket, at: [0, 0, 0, 0, 0])
        #expect(atOnce == [true, true, true, false, false])
        let later = take(from: &bucket, at: [99_000_000, 100_000_000, 150_000_000])
        #expect(later == [false, true, false])
        let passed = take(from: &bucket, at: (0..<10_000).map { 1_000_000_000 + $0 * 1_000_000 }).count { $0 }
        // 10 s at 10 a second, and the burst.
        #expect((100...103).contains(passed))
    }

    @Test("a clock that goes back stands still, and extreme times do not overflow")
    func clocks() {
        var bucket = TokenBucket(perSecond: 1, burst: 1)
        let taken = take(from: &bucket, at: [.min, .max, 0, .max])
        #expect(taken == [true, true, false, false])
        var none = TokenBucket(perSecond: -1, burst: -1)
        let never = take(from: &none, at: [0, .max])
        #expect(never == [false, false])
    }
}
