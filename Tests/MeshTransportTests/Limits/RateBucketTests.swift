import MeshWire
import Testing

@testable import MeshTransport

@Suite struct RateBucketTests {
    @Test("a burst passes at once, and then calls at the rate; who comes too early is told when to come")
    func rate() {
        let bucket = RateBucket(Rate(perSecond: 10, burst: 3))
        #expect((0..<3).allSatisfy { _ in bucket.take(now: .at(.seconds(5))) == nil })
        #expect(bucket.take(now: .at(.seconds(5))) == 100_000_000)
        #expect(bucket.take(now: .at(.milliseconds(5_040))) == 60_000_000)
        #expect(bucket.take(now: .at(.milliseconds(5_100))) == nil)
        #expect(bucket.take(now: .at(.milliseconds(5_100))) != nil)
        // After a pause the burst is back, and no more than that.
        #expect((0..<3).allSatisfy { _ in bucket.take(now: .at(.seconds(100))) == nil })
        #expect(bucket.take(now: .at(.seconds(100))) != nil)
    }

    @Test("in the long run no more pass than the rate and the burst allow", arguments: [1.0, 7, 1_000])
    func longRun(perSecond: Double) {
        let bucket = RateBucket(Rate(perSecond: perSecond, burst: 5))
        let count = (0..<100_000).count { bucket.take(now: .at(.seconds(Double($0) / 10_000))) == nil }
        #expect(abs(Double(count) - (perSecond * 10 + 5)) <= 2)
    }

    @Test("what is given back can be taken again")
    func giveBack() {
        let bucket = RateBucket(Rate(perSecond: 1, burst: 1))
        #expect(bucket.take(now: .at(.seconds(1))) == nil && bucket.take(now: .at(.seconds(1))) != nil)
        bucket.giveBack()
        #expect(bucket.take(now: .at(.seconds(1))) == nil)
        #expect(!bucket.isIdle(now: .at(.seconds(1))) && bucket.isIdle(now: .at(.seconds(2))))
    }
}
