import MeshWire
import Testing

@testable import MeshTransport

@Suite struct EndpointLoadTests {
    private let constants: EndpointLoad.Constants
    private var load: EndpointLoad

    init() {
        var configuration = BalancingConfiguration()
        configuration.slowStart = nil
        constants = EndpointLoad.Constants(configuration)
        load = EndpointLoad(now: .at(.zero))
    }

    /// In milliseconds, beside endpoints of 30 ms.
    private func cost(_ time: Duration) -> Double {
        load.latencyCost(constants, typical: 30e6, now: .at(time)) / 1e6
    }

    private mutating func call(from start: Duration, to end: Duration, _ outcome: EndpointOutcome = .success) {
        load.began(now: .at(start))
        load.ended(outcome, after: end - start, constants, now: .at(end))
    }

    @Test("an endpoint that has not answered yet is asked once, and its first answer is all that is known of it")
    mutating func initial() {
        #expect(cost(.zero) == 0)
        load.began(now: .at(.zero))
        #expect(abs(cost(.zero) - 60) < 0.001)
        load.ended(.success, after: .milliseconds(2), constants, now: .at(.milliseconds(2)))
        #expect(abs(cost(.milliseconds(2)) - 2) < 0.001)
    }

    @Test("a peak counts half at once, what is more usual by and by")
    mutating func peak() {
        call(from: .zero, to: .milliseconds(10))
        call(from: .milliseconds(10), to: .milliseconds(30))
        #expect((10.2..<10.4).contains(cost(.milliseconds(30))))
        call(from: .milliseconds(30), to: .milliseconds(220))
        #expect((100..<101).contains(cost(.milliseconds(220))))
        call(from: .milliseconds(220), to: .milliseconds(230))
        #expect((97..<98).contains(cost(.milliseconds(230))))
        call(from: .seconds(10), to: .milliseconds(10_010))
        // One time constant later 37 % of the old one is left.
        #expect((40..<45).contains(cost(.milliseconds(10_010))))
    }

    @Test(
        "an answer that was not waited for takes at least as long as it was, and is neither a success nor a sign of life"
    )
    mutating func outrun() {
        call(from: .zero, to: .milliseconds(50))
        // A second attempt that is withdrawn after a millisecond says nothing of its server.
        call(from: .milliseconds(50), to: .milliseconds(51), .outrun)
        #expect((49..<51).contains(cost(.milliseconds(51))))
        call(from: .milliseconds(51), to: .milliseconds(251), .outrun)
        #expect((199..<201).contains(cost(.milliseconds(251))))
        call(from: .milliseconds(251), to: .milliseconds(252), .failure)
        let failing = load.failureShare
        call(from: .milliseconds(252), to: .milliseconds(253), .outrun)
        #expect(load.failureShare == failing)
        // It has been silent since its oldest call.
        load.began(now: .at(.seconds(1)))
        load.began(now: .at(.seconds(1)))
        load.ended(.outrun, after: .milliseconds(100), constants, now: .at(.milliseconds(1_100)))
        #expect(cost(.seconds(4)) > 2_900)
    }

    @Test("what is known fades, so that a slow endpoint is tried again")
    mutating func fades() {
        call(from: .zero, to: .seconds(1))
        #expect(abs(cost(.seconds(11)) - 368) < 1)
        #expect(cost(.seconds(101)) < 0.1)
    }

    @Test("each call that waits there makes it less attractive")
    mutating func pending() {
        for _ in 0..<3 { load.began(now: .at(.zero)) }
        #expect(abs(cost(.zero) - 120) < 0.001)
        load.ended(.unknown, after: .zero, constants, now: .at(.zero))
        #expect(abs(cost(.zero) - 90) < 0.001)
    }

    @Test("one that hangs does not fade: its silence is its latency")
    mutating func silence() {
        call(from: .zero, to: .milliseconds(1))
        load.began(now: .at(.seconds(1)))
        load.began(now: .at(.seconds(2)))
        // Two wait, the first for 3 s, and one would be the third.
        #expect(abs(cost(.seconds(4)) - 9_000) < 1)
        load.ended(.success, after: .seconds(3), constants, now: .at(.seconds(4)))
        #expect(abs(cost(.seconds(4)) - 3_001) < 1)
        load.ended(.success, after: .seconds(2), constants, now: .at(.seconds(4)))
        #expect((1_500..<1_600).contains(cost(.seconds(4))))
    }

    @Test("a stream may be silent for as long as it likes")
    mutating func streams() {
        call(from: .zero, to: .milliseconds(1))
        load.began(isTimed: false, now: .at(.milliseconds(2)))
        #expect(cost(.seconds(100)) < 1)
        load.began(now: .at(.seconds(100)))
        #expect(abs(cost(.seconds(101)) - 3_000) < 1)
        load.ended(.success, after: nil, constants, now: .at(.seconds(101)))
        #expect(cost(.seconds(101)) < 1, "its end is a sign of life")
    }

    @Test("failing fast makes an endpoint slow, as much as it fails")
    mutating func failures() {
        for step in 0..<1_000 {
            let start = Duration.milliseconds(step * 100)
            call(from: start, to: start + .milliseconds(1), step % 10 == 0 ? .failure : .success)
        }
        // A tenth fails: 1 s * 0.1 / 0.9, and the latency is 1 ms.
        #expect((95..<130).contains(cost(.milliseconds(99_901))))
        for step in 1_000..<3_000 {
            let start = Duration.milliseconds(step * 100)
            call(from: start, to: start + .milliseconds(1))
        }
        #expect(cost(.milliseconds(299_901)) < 1.1)
    }

    @Test("an endpoint that always fails costs no more than the highest latency")
    mutating func hopeless() {
        for step in 0..<200 {
            call(from: .seconds(step), to: .seconds(step) + .microseconds(10), .failure)
        }
        #expect(abs(cost(.seconds(199) + .microseconds(10)) - 5_000) < 1)
    }

    @Test("an endpoint that refuses for now counts as slow, for as long as it asked to be left alone")
    mutating func rateLimited() {
        call(from: .zero, to: .milliseconds(1), .rateLimited(retryAfter: nil))
        #expect(abs(cost(.milliseconds(1)) - 5_000) < 1)
        #expect((1_800..<1_900).contains(cost(.seconds(10))))
        call(from: .seconds(10), to: .seconds(10), .rateLimited(retryAfter: .seconds(60)))
        #expect(abs(cost(.seconds(70)) - 5_000) < 1)
        #expect((1_800..<1_900).contains(cost(.seconds(80))))
    }

    @Test("an endpoint is not avoided for longer than the configuration says, whatever it asks for")
    mutating func rateLimitedForever() {
        call(from: .zero, to: .zero, .rateLimited(retryAfter: .seconds(1_000_000)))
        #expect(abs(cost(.seconds(300)) - 5_000) < 1)
        #expect(cost(.seconds(400)) < 1)
    }

    @Test("a call that was given up says nothing about the endpoint")
    mutating func unknown() {
        call(from: .zero, to: .seconds(9), .unknown)
        #expect(cost(.seconds(9)) == 0)
    }

    @Test("an endpoint that has just come gets a share that grows evenly")
    func slowStart() {
        let constants = EndpointLoad.Constants(BalancingConfiguration())
        let load = EndpointLoad(now: .at(.zero))
        #expect(load.warmth(constants, now: .at(.zero)) == 0.1)
        #expect(load.warmth(constants, now: .at(.seconds(5))) == 0.5)
        #expect(load.warmth(constants, now: .at(.seconds(10))) == 1)
    }
}
