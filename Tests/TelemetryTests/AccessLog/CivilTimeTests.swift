import Foundation
import Testing

@testable import Telemetry

@Suite struct CivilTimeTests {
    @Test(
        "moments are written as in both formats",
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z", "01/Jan/1970:00:00:00 +0000"),
            (-1, "1969-12-31T23:59:59.999999999Z", "31/Dec/1969:23:59:59 +0000"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z", "29/Feb/2000:00:00:00 +0000"),
            (1_735_689_599_000_000_001, "2024-12-31T23:59:59.000000001Z", "31/Dec/2024:23:59:59 +0000"),
            (.max, "2262-04-11T23:47:16.854775807Z", "11/Apr/2262:23:47:16 +0000"),
            (.min, "1677-09-21T00:12:43.145224192Z", "21/Sep/1677:00:12:43 +0000"),
        ] as [(Int64, String, String)])
    func known(nanoseconds: Int64, iso8601: String, apache: String) {
        let time = CivilTime(unixNanoseconds: nanoseconds)
        #expect(time.iso8601 == iso8601)
        #expect(time.apache == apache)
    }

    @Test("dates are those of the system's calendar, over six centuries")
    func calendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        let seed: UInt64 = 0xCA1
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -9_000_000_000...9_000_000_000, using: &generator)
            let time = CivilTime(unixNanoseconds: seconds * 1_000_000_000)
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(
                [time.year, time.month, time.day, time.hour, time.minute, time.second]
                    == [parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second])
        }
    }
}
