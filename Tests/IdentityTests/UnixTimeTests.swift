import FoundationEssentials
import Testing

@testable import Identity

@Suite struct UnixTimeTests {
    @Test("sums and differences are in whole seconds, rounded to the past")
    func arithmetic() {
        let time = UnixTime(seconds: 100)
        #expect(time + .milliseconds(1_999) == UnixTime(seconds: 101))
        #expect(time - .milliseconds(1) == UnixTime(seconds: 99))
        #expect(time - .seconds(1) == UnixTime(seconds: 99))
        #expect(time.since(UnixTime(seconds: 40)) == .seconds(60))
        #expect(time < time + .seconds(1))
    }

    @Test("an overflow stays at the limit")
    func overflow() {
        #expect(UnixTime(seconds: .max) + .seconds(1) == UnixTime(seconds: .max))
        #expect(UnixTime(seconds: .min) - .seconds(1) == UnixTime(seconds: .min))
        #expect(UnixTime(seconds: .max).since(UnixTime(seconds: .min)) == .seconds(Int64.max))
        #expect(UnixTime(seconds: .min).since(UnixTime(seconds: .max)) == .seconds(Int64.min))
    }

    @Test("the description is ISO 8601, as Foundation writes it since 1583")
    func description() {
        let seed: UInt64 = 0x7131
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var samples: [Int64] = [0, -1, 951_782_399, 951_782_400, 253_402_300_799, 4_107_542_400, -12_212_553_600]
        samples += (0..<2_000).map { _ in Int64.random(in: -12_212_553_600...253_402_300_799, using: &generator) }
        for sample in samples {
            let expected = Date(timeIntervalSince1970: Double(sample)).formatted(.iso8601)
            #expect(UnixTime(seconds: sample).description == expected)
        }
        #expect(UnixTime(seconds: .max).description.hasSuffix("s since 1970"))
        // Foundation writes Julian dates before 1583; ISO 8601 counts in Gregorian ones.
        #expect(UnixTime(seconds: -62_135_596_800).description == "0001-01-01T00:00:00Z")
        #expect(UnixTime(seconds: -62_167_219_200).description == "0000-01-01T00:00:00Z")
    }
}
