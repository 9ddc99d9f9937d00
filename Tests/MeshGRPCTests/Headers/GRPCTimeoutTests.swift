import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct GRPCTimeoutTests {
    @Test(
        "a time takes the finest unit that has room for it",
        arguments: [
            (.seconds(1), "1000000u"), (.milliseconds(20), "20000000n"), (.nanoseconds(99_999_999), "99999999n"),
            (.nanoseconds(100_000_000), "100000u"), (.nanoseconds(100_000_001), "100001u"),
            (.seconds(100), "100000m"), (.seconds(100_000), "100000S"), (.seconds(86_400), "86400000m"),
            (.zero, "1n"), (.seconds(-5), "1n"), (Duration(attoseconds: 1), "1n"),
            (.seconds(Int64.max), "99999999H"),
        ] as [(Duration, String)])
    func encoding(time: Duration, text: String) {
        #expect(GRPCTimeout.encode(time) == text)
    }

    @Test(
        "what peers send is read",
        arguments: [
            ("1H", .seconds(3_600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
            ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("0S", .zero), ("00000001S", .seconds(1)),
            ("99999999H", .seconds(99_999_999 * 3_600)),
        ] as [(String, Duration)])
    func decoding(text: String, time: Duration) {
        #expect(GRPCTimeout.decode(text) == time)
    }

    @Test(
        "what is no time is refused",
        arguments: ["", "S", "1", "1s", "123456789S", "-1S", "+1S", "1.5S", " 1S", "1S ", "١S"])
    func malformed(text: String) {
        #expect(GRPCTimeout.decode(text) == nil)
    }

    @Test("a time that travelled is never shorter, and longer by less than a ten-thousandth")
    func rounding() throws {
        let seed: UInt64 = 21
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(500) {
            let time = Duration.nanoseconds(Int64(generator.anySize() >> 1))
            let text = GRPCTimeout.encode(time)
            #expect(text.utf8.count <= 9)
            let read = try #require(GRPCTimeout.decode(text))
            #expect(read >= time, "seed \(seed), \(time)")
            #expect(read <= time + max(.nanoseconds(1), time / 10_000), "seed \(seed), \(time)")
        }
    }
}
