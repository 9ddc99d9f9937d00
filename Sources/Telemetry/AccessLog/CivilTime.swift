/// A moment as people write it, in UTC.
struct CivilTime: Equatable {
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    let nanosecond: Int

    /// The proleptic Gregorian calendar, by Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day
    /// is their last.
    init(unixNanoseconds: Int64) {
        let perDay: Int64 = 86_400 * 1_000_000_000
        let days = Int(unixNanoseconds >= 0 ? unixNanoseconds / perDay : (unixNanoseconds + 1) / perDay - 1)
        let ofDay = (unixNanoseconds % perDay + perDay) % perDay
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let seconds = Int(ofDay / 1_000_000_000)
        (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        nanosecond = Int(ofDay % 1_000_000_000)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// As in `10/Oct/2000:13:55:36 +0000`.
    var apache: String {
        "\(Self.digits(day, 2))/\(Self.months[month - 1])/\(Self.digits(year, 4)):\(time) +0000"
    }

    /// As in `2000-10-10T13:55:36.000000001Z`.
    var iso8601: String {
        "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))"
            + "T\(time).\(Self.digits(nanosecond, 9))Z"
    }

    private var time: String { "\(Self.digits(hour, 2)):\(Self.digits(minute, 2)):\(Self.digits(second, 2))" }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }
}
