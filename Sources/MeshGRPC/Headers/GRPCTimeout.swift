import MeshWire

/// The `grpc-timeout` header: at most eight digits and a unit.
enum GRPCTimeout {
    /// The largest number that eight digits write.
    private static let largest: Int64 = 99_999_999

    /// Units by their length in nanoseconds, shortest first.
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("n", 1), ("u", 1_000), ("m", 1_000_000), ("S", 1_000_000_000), ("M", 60_000_000_000), ("H", 3_600_000_000_000),
    ]

    /// A time in the finest unit that has room for it, rounded up: rounding never makes a deadline earlier. A time that
    /// has run out is written as the shortest there is.
    static func encode(_ timeout: Duration) -> String {
        let whole = timeout.inNanoseconds
        guard whole < .max else { return "\(largest)H" }
        let nanoseconds = max(1, timeout > .nanoseconds(whole) ? whole + 1 : whole)
        for unit in units {
            let count = (nanoseconds - 1) / unit.nanoseconds + 1
            if count <= largest { return String(count) + unit.name }
        }
        return "\(largest)H"
    }

    /// The time that a text says, or `nil` if it says none.
    static func decode(_ text: String) -> Duration? {
        guard let last = text.utf8.last, let unit = units.first(where: { $0.name.utf8.first == last }) else {
            return nil
        }
        let digits = text.utf8.dropLast()
        guard (1...8).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let count = digits.reduce(Int128(0)) { $0 * 10 + Int128($1 - 0x30) }
        return Duration(attoseconds: count * Int128(unit.nanoseconds) * 1_000_000_000)
    }
}
