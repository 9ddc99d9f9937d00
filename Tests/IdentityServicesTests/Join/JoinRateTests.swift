import MeshWire
import Testing

@testable import IdentityServices

@Suite struct JoinRateTests {
    @Test("a burst is admitted, then no more than the rate")
    func burstThenRate() {
        var rate = JoinRate(perSecond: 10, burst: 3)
        let start = RuntimeInstant(nanoseconds: 1_000)
        let atOnce = (0..<5).map { _ in rate.admit(at: start) }
        #expect(atOnce == [true, true, true, false, false])
        let later = [50, 110, 120].map { rate.admit(at: start.advanced(by: .milliseconds($0))) }
        #expect(later == [false, true, false])
    }

    @Test("a quiet time fills the bucket up to the burst and no further")
    func refill() {
        var rate = JoinRate(perSecond: 10, burst: 2)
        let start = RuntimeInstant(nanoseconds: 0)
        _ = rate.admit(at: start)
        let later = start.advanced(by: .seconds(60))
        let admitted = (0..<4).filter { _ in rate.admit(at: later) }.count
        #expect(admitted == 2)
    }
}
