import MeshWire
import Testing

@Suite struct RuntimeTests {
    @Test("durations of any size become nanoseconds and microseconds, clamped to what 64 bits hold")
    func clamping() {
        #expect(Duration.seconds(3).inNanoseconds == 3_000_000_000)
        #expect(Duration.nanoseconds(-5).inNanoseconds == -5)
        #expect(Duration.nanoseconds(Int64.max).inNanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.min).inNanoseconds == .min)
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).inNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).inNanoseconds == .min)
        // The last second that 64 bits hold a part of.
        #expect((Duration.seconds(9_223_372_036) + .milliseconds(999)).inNanoseconds == .max)
        #expect((Duration.seconds(-9_223_372_036) - .milliseconds(999)).inNanoseconds == .min)
        #expect(Duration.seconds(Int64.max).inNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).inNanoseconds == .min)
        #expect(Duration.microseconds(Int64.max).inMicroseconds == .max)
        #expect((Duration.microseconds(Int64.max) + .microseconds(1)).inMicroseconds == .max)
        #expect((Duration.microseconds(Int64.min) - .microseconds(1)).inMicroseconds == .min)
        #expect(Duration.seconds(Int64.max).inMicroseconds == .max)
        #expect(Duration.milliseconds(-1).inMicroseconds == -1_000)
        // More seconds than 64 bits hold.
        let longest = Duration.seconds(Int64.max) * 10
        #expect(longest.inNanoseconds == .max)
        #expect(longest.inMicroseconds == .max)
        #expect((.zero - longest).inNanoseconds == .min)
        #expect((.zero - longest).inMicroseconds == .min)
    }

    @Test("instants saturate instead of overflowing")
    func saturation() {
        let latest = RuntimeInstant(nanoseconds: .max)
        let earliest = RuntimeInstant(nanoseconds: .min)
        let now = RuntimeInstant(nanoseconds: 5)
        #expect(now.advanced(by: .seconds(Int64.max)) == latest)
        #expect(now.advanced(by: .nanoseconds(Int64.max)) == latest)
        #expect(RuntimeInstant(nanoseconds: -5).advanced(by: .seconds(Int64.min)) == earliest)
        #expect(now.advanced(by: .nanoseconds(-3)).nanoseconds == 2)
        #expect(now.duration(to: latest) > .zero)
        #expect(earliest.duration(to: latest) == .nanoseconds(Int64.max))
        #expect(latest.duration(to: earliest) == .nanoseconds(Int64.min))
        #expect(now.duration(to: RuntimeInstant(nanoseconds: 2)) == .nanoseconds(-3))
    }
}
