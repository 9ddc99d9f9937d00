/// A number as it stands in a JSON text: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
struct JSONNumber {
    /// Where it stands.
    let range: Range<Int>
    private let isNegative: Bool
    /// Its digits without the point, as far as they fit.
    private let significand: UInt64
    /// Whether all digits fit ``significand``.
    private let isExact: Bool
    /// The power of ten that the significand is multiplied with.
    private let exponent: Int
    /// Whether it has neither point nor exponent.
    private let isWhole: Bool

    /// The number at `start`, or `nil` if none begins there.
    init?(_ bytes: [UInt8], at start: Int) {
        var position = start
        var significand: UInt64 = 0
        var isExact = true
        var exponent = 0
        // Reads digits and returns how many there are.
        func digits() -> Int {
            let first = position
            while position < bytes.count {
                let digit = bytes[position] &- UInt8(ascii: "0")
                guard digit <= 9 else { break }
                position += 1
                // 19 digits always fit 64 bits; what comes after them changes no more than the rounding.
                if significand < 1_000_000_000_000_000_000 {
                    significand = significand &* 10 &+ UInt64(digit)
                } else {
                    isExact = false
                }
            }
            return position - first
        }
        func next() -> UInt8? { position < bytes.count ? bytes[position] : nil }

        isNegative = next() == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let isZero = next() == UInt8(ascii: "0")
        let count = digits()
        guard count == 1 || (count > 1 && !isZero) else { return nil }
        var isWhole = true
        if next() == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            let count = digits()
            guard count > 0 else { return nil }
            exponent = -count
        }
        if next() == UInt8(ascii: "e") || next() == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            let isDownward = next() == UInt8(ascii: "-")
            if isDownward || next() == UInt8(ascii: "+") { position += 1 }
            var power = 0
            let first = position
            while let byte = next(), byte &- UInt8(ascii: "0") <= 9 {
                // No power of more digits makes a difference.
                if power < 1_000_000 { power = power * 10 + Int(byte &- UInt8(ascii: "0")) }
                position += 1
            }
            guard position > first else { return nil }
            exponent += isDownward ? -power : power
        }
        self.significand = significand
        self.isExact = isExact
        self.exponent = exponent
        self.isWhole = isWhole
        range = start..<position
    }

    /// The value as a whole number, if it is written as one and fits.
    var integer: Int? {
        guard isWhole, isExact else { return nil }
        if isNegative { return Int(exactly: significand).map { -$0 } }
        return Int(exactly: significand)
    }

    /// The value of the number that stands in `bytes`, rounded to binary64 as other readers of JSON do; infinite if it
    /// is too large.
    func value(in bytes: [UInt8]) -> Double {
        // Both factors are exact in binary64, so the one operation rounds correctly (Clinger 1990).
        if isExact, significand <= 1 << 53, (-22...22).contains(exponent) {
            let magnitude = Double(significand)
            let scaled =
                exponent < 0 ? magnitude / Self.powersOfTen[-exponent] : magnitude * Self.powersOfTen[exponent]
            return isNegative ? -scaled : scaled
        }
        // Swift reads every number that this type accepts.
        return Double(String(decoding: bytes[range], as: UTF8.self)) ?? .infinity
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
