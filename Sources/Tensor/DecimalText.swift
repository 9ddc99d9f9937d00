/// A floating-point number as decimal digits, to print many in one format.
struct DecimalText {
    /// "inf" or "nan" where there are no digits.
    private let name: String?
    private let isNegative: Bool
    /// 0 to 9, the first not 0; none for zero.
    private var digits: [UInt8]
    /// The power of ten of the first digit.
    private var exponent: Int

    /// Behind the point, or of the significand's.
    private static let mostFractionDigits = 8

    /// What a floating-point number of the standard library says of itself: the shortest digits that tell it from its
    /// neighbours.
    init(_ description: String) {
        var digits: [UInt8] = []
        var exponent = 0
        var isNegative = false
        var pointPlace: Int?
        var isNumber = true
        var utf8 = description.utf8[...]
        if utf8.first == UInt8(ascii: "-") {
            isNegative = true
            utf8 = utf8.dropFirst()
        }
        while let byte = utf8.popFirst() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "."): pointPlace = digits.count
            case UInt8(ascii: "e") where !digits.isEmpty:
                exponent = Int(String(Substring(utf8))) ?? 0
                utf8 = utf8[utf8.endIndex...]
            default: isNumber = false
            }
        }
        guard isNumber else {
            name = description
            self.isNegative = false
            self.digits = []
            self.exponent = 0
            return
        }
        name = nil
        exponent += (pointPlace ?? digits.count) - 1
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        exponent -= zeros
        while digits.last == 0 { digits.removeLast() }
        self.isNegative = isNegative
        self.digits = digits
        self.exponent = digits.isEmpty ? 0 : exponent
    }

    /// The shortest digits that tell a value from its neighbours, of which its own description knows only those as a
    /// `Float`.
    init(shortest value: BFloat16) {
        let full = DecimalText(Float(value).description)
        for count in 1..<Swift.max(full.digits.count, 1) {
            let candidate = full.rounded(toDigits: count)
            if let parsed = Float(candidate.scientific(fractionDigits: count - 1)), BFloat16(parsed) == value {
                self = candidate
                return
            }
        }
        self = full
    }

    /// Numbers in one format: with as many digits behind the point as the one that needs most, or with exponents where
    /// some are 10⁸ or more, or below 10⁻⁴.
    static func uniform(_ numbers: [DecimalText]) -> [String] {
        let finite = numbers.filter { !$0.digits.isEmpty }
        let isScientific = finite.contains { $0.exponent >= 8 || $0.exponent < -4 }
        let needed = finite.map { isScientific ? $0.digits.count - 1 : $0.digits.count - 1 - $0.exponent }.max() ?? 1
        let fractionDigits = Swift.min(Swift.max(needed, 1), mostFractionDigits)
        return numbers.map { number in
            if let name = number.name { return name }
            return isScientific
                ? number.scientific(fractionDigits: fractionDigits) : number.fixed(fractionDigits: fractionDigits)
        }
    }

    /// Rounded to so many digits, ties away from zero; none are left where there are fewer than none.
    private func rounded(toDigits count: Int) -> DecimalText {
        guard count < digits.count else { return self }
        var rounded = self
        guard count >= 0 else {
            rounded.digits = []
            rounded.exponent = 0
            return rounded
        }
        let roundsUp = digits[count] >= 5
        rounded.digits = Array(digits.prefix(count))
        if roundsUp {
            while let last = rounded.digits.last, last == 9 { rounded.digits.removeLast() }
            if rounded.digits.isEmpty {
                rounded.digits = [1]
                rounded.exponent += 1
            } else {
                rounded.digits[rounded.digits.count - 1] += 1
            }
        }
        while rounded.digits.last == 0 { rounded.digits.removeLast() }
        if rounded.digits.isEmpty { rounded.exponent = 0 }
        return rounded
    }

    private func fixed(fractionDigits: Int) -> String {
        let number = rounded(toDigits: exponent + 1 + fractionDigits)
        func digit(_ power: Int) -> String {
            let place = number.exponent - power
            return place >= 0 && place < number.digits.count ? String(number.digits[place]) : "0"
        }
        let whole = (0...Swift.max(number.exponent, 0)).reversed().map(digit).joined()
        let fraction = (1...fractionDigits).map { digit(-$0) }.joined()
        return (isNegative ? "-" : "") + whole + "." + fraction
    }

    /// With one digit before the point. Two digits of exponent at least.
    private func scientific(fractionDigits: Int) -> String {
        let number = rounded(toDigits: 1 + fractionDigits)
        let all = number.digits + Array(repeating: 0, count: Swift.max(1 + fractionDigits - number.digits.count, 0))
        let fraction = all.dropFirst().map { String($0) }.joined()
        let power = String(abs(number.exponent))
        return (isNegative ? "-" : "") + String(all[0]) + (fraction.isEmpty ? "" : "." + fraction) + "e"
            + (number.exponent < 0 ? "-" : "+") + (power.count < 2 ? "0" : "") + power
    }
}
