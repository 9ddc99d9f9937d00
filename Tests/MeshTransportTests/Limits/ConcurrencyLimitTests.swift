import MeshWire
import MeshworkTesting
import Testing

@testable import MeshTransport

@Suite struct ConcurrencyLimitTests {
    @Test("no more calls run than there may be")
    func fixed() {
        let limiter = ConcurrencyLimiter(.fixed(2), SystemRuntime.shared)
        #expect(limiter.enter() && limiter.enter() && !limiter.enter())
        limiter.leave(from: .at(.seconds(0)), to: .at(.seconds(1)))
        #expect(limiter.enter() && !limiter.enter())
    }

    /// A server that does `workers` calls at a time, each in 10 ms with jitter, whose callers always want more; the
    /// limits of the second half of `calls`, but for those under which it was measured.
    private func limits(workers: Int, calls: Int) -> ClosedRange<Int> {
        var limit = GradientLimit(GradientConfiguration())
        var generator = SplitMix64(seed: 1)
        var (time, least, most) = (0.0, Int.max, 0)
        for call in 0..<calls {
            let inFlight = limit.limit
            let latency = 0.01 * max(1, Double(inFlight) / Double(workers))
            let chance = Double(generator.next() >> 11) * 0x1p-53
            time += latency / Double(inFlight)
            limit.ended(
                after: .seconds(latency * (0.9 + 0.2 * chance)), inFlight: inFlight, now: .at(.seconds(time)),
                chance: chance)
            guard call > calls / 2, limit.limit > GradientConfiguration().measuring else { continue }
            (least, most) = (min(least, limit.limit), max(most, limit.limit))
        }
        return least...most
    }

    @Test("the gradient finds a limit near what the server can do, and stays there", arguments: [10, 50, 200])
    func finds(workers: Int) {
        let found = limits(workers: workers, calls: 100_000)
        #expect(found.lowerBound >= workers && found.upperBound <= 2 * workers, "\(found) of \(workers)")
    }

    @Test(
        "it measures with few calls at a time, doubles while calls are fast and the limit is reached, and then follows")
    func course() {
        var configuration = GradientConfiguration()
        configuration.most = 100
        var limit = GradientLimit(configuration)
        #expect(limit.limit == 3)
        func calls(_ latency: Double, inFlight: Int, from start: Double) {
            // Two windows: the first begins with its first call.
            for number in 0..<60 {
                limit.ended(
                    after: .seconds(latency), inFlight: inFlight, now: .at(.seconds(start + Double(number) * 0.004)),
                    chance: 0)
            }
        }
        calls(0.01, inFlight: 3, from: 0)
        #expect(limit.limit == 3)
        calls(0.01, inFlight: 3, from: 1)
        let grown = limit.limit
        #expect(grown > 3)
        // Nobody asks for more.
        calls(0.01, inFlight: 1, from: 2)
        #expect(limit.limit == grown)
        for second in 3..<30 { calls(0.01, inFlight: limit.limit, from: Double(second)) }
        #expect(limit.limit == 100)
        calls(0.1, inFlight: 100, from: 30)
        #expect(limit.limit <= 60)
        for second in 31..<50 { calls(0.1, inFlight: limit.limit, from: Double(second)) }
        #expect(limit.limit <= 5)
        // A minute after it has measured it does so again.
        calls(0.01, inFlight: 3, from: 70)
        #expect(limit.limit == 3)
        calls(0.01, inFlight: 3, from: 71)
        #expect(limit.limit > 3)
    }

    @Test(
        "a server whose calls take longer than it measures is not shut for as long as they do, and finds its limit later"
    )
    func unmeasured() {
        var limit = GradientLimit(GradientConfiguration())
        limit.look(.at(.seconds(0)), 0)
        limit.look(.at(.seconds(4)), 0)
        #expect(limit.limit == 3)
        limit.look(.at(.seconds(5)), 0)
        // Nothing was measured: the first window is what others are compared with.
        for number in 0..<2_000 {
            limit.ended(
                after: .seconds(6), inFlight: limit.limit, now: .at(.seconds(6 + Double(number) * 0.01)), chance: 0)
        }
        #expect(limit.limit > 100)
    }

    @Test("what cannot be is named")
    func problems() {
        var configuration = GradientConfiguration()
        (configuration.least, configuration.most, configuration.measuring) = (5, 4, 0)
        (configuration.measurements, configuration.interval, configuration.window) = (0, .zero, .zero)
        configuration.allowance = -1
        #expect(ConcurrencyLimit.gradient(configuration).problems.count == 6)
        #expect(ConcurrencyLimit.fixed(0).problems.count == 1 && ConcurrencyLimit.fixed(1).problems.isEmpty)
        #expect(ConcurrencyLimit.gradient(GradientConfiguration()).problems.isEmpty)
    }
}
