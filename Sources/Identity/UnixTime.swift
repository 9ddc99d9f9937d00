/// A point of wall-clock time in whole seconds, the resolution of X.509 validity.
///
/// Nothing in this module reads a clock: each rule that depends on the time takes a `UnixTime`, so that simulated time
/// works.
public struct UnixTime: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var seconds: Int64

    /// Makes a time from seconds since 1970-01-01T00:00:00Z.
    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// The last time that X.509 can write, 9999-12-31T23:59:59Z.
    static let lastOfX509 = UnixTime(seconds: 253_402_300_799)

    /// The time `duration` later; a part of a second is dropped towards the past, and an overflow stays at the last
    /// time.
    public static func + (time: UnixTime, duration: Duration) -> UnixTime {
        let (seconds, attoseconds) = duration.components
        let whole = attoseconds < 0 ? seconds - 1 : seconds
        let (sum, overflow) = time.seconds.addingReportingOverflow(whole)
        return UnixTime(seconds: overflow ? (whole < 0 ? .min : .max) : sum)
    }

    /// The time `duration` earlier; see ``+(_:_:)``.
    public static func - (time: UnixTime, duration: Duration) -> UnixTime {
        time + (.zero - duration)
    }

    /// How long after `earlier` this time is; negative when it is before, at the limits of `Int64` when the difference
    /// overflows.
    public func since(_ earlier: UnixTime) -> Duration {
        let (difference, overflow) = seconds.subtractingReportingOverflow(earlier.seconds)
        return .seconds(overflow ? (seconds < 0 ? Int64.min : Int64.max) : difference)
    }
}

extension UnixTime: Comparable {
    /// Whether `left` is earlier than `right`.
    public static func < (left: UnixTime, right: UnixTime) -> Bool {
        left.seconds < right.seconds
    }
}

extension UnixTime: CustomStringConvertible {
    /// ISO 8601 in UTC, such as `2026-01-31T23:59:59Z`; plain seconds outside the years 0 to 9999.
    public var description: String {
        let firstOfYearZero: Int64 = -62_167_219_200
        guard (firstOfYearZero...Self.lastOfX509.seconds).contains(seconds) else { return "\(seconds) s since 1970" }
        // Days to civil date: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; years begin
        // in March.
        let sinceYearZero = seconds - firstOfYearZero
        let (day, second) = (sinceYearZero / 86_400 - 60, sinceYearZero % 86_400)
        let era = (day >= 0 ? day : day - 146_096) / 146_097
        let dayOfEra = day - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func digits(_ value: Int64, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: Swift.max(0, width - text.count)) + text
        }
        let date = "\(digits(year, 4))-\(digits(month, 2))-\(digits(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, 2))"
        return "\(date)T\(digits(second / 3_600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))Z"
    }
}
