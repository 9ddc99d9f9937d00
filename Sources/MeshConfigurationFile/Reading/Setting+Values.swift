import Identity
import MeshTransport
import MeshWire

/// What settings are read as.
extension Setting {
    /// `true` or `false`.
    func truth() -> Bool? {
        switch word("true or false") {
        case nil: return nil
        case "true": return true
        case "false": return false
        default:
            expected("true or false")
            return nil
        }
    }

    /// A whole number in decimal digits.
    func count(_ range: ClosedRange<Int>) -> Int? {
        let what = "a whole number of \(range.lowerBound) to \(range.upperBound)"
        guard let word = word(what) else { return nil }
        guard word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(word), range.contains(value) else {
            expected(what)
            return nil
        }
        return value
    }

    /// The same, for what has a lower bound alone.
    func count(from least: Int) -> Int? {
        let what = "a whole number of \(least) or more"
        guard let word = word(what) else { return nil }
        guard word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(word), value >= least else {
            expected(what)
            return nil
        }
        return value
    }

    /// A number in decimal digits, with a point or without.
    func number(_ what: String, _ isInRange: (Double) -> Bool) -> Double? {
        guard let word = word(what) else { return nil }
        guard let value = Self.decimal(word[...]), isInRange(value) else {
            expected(what)
            return nil
        }
        return value
    }

    /// A share of a whole: `25%`, or `0.25`.
    func share() -> Double? {
        let what = "a share such as 25% or 0.25, of 0 to 1"
        guard let word = word(what) else { return nil }
        let value = word.hasSuffix("%") ? Self.decimal(word.dropLast()).map { $0 / 100 } : Self.decimal(word[...])
        guard let value, (0...1).contains(value) else {
            expected(what)
            return nil
        }
        return value
    }

    /// A time: whole numbers with their units, the longest first, as `250ms`, `2s` or `1m30s`.
    func duration(orZero: Bool = false) -> Duration? {
        let what = "a time \(orZero ? "" : "above zero ")such as 250ms, 2s or 1m30s"
        guard let word = word(what) else { return nil }
        guard let value = Self.duration(word), orZero || value > .zero else {
            expected(what)
            return nil
        }
        return value
    }

    /// A status by its name.
    func status() -> CallStatus? {
        let all = (1...16).map { CallStatus(rawValue: $0) }
        let what = "a status other than ok"
        guard let word = word(what) else { return nil }
        guard let found = all.first(where: { "\($0)" == word }) else {
            let hint = KeySuggestion.nearest(to: word, of: all.map { "\($0)" }).map { "; is \($0) meant?" } ?? ""
            note("expected \(what), found \(quoted(word))\(hint)")
            return nil
        }
        return found
    }

    /// A text that a pattern is written as; checked, and kept as text.
    func pattern<Pattern>(_ parse: (String) throws(IdentityError) -> Pattern) -> String? {
        guard let text = text("a pattern") else { return nil }
        do throws(IdentityError) {
            _ = try parse(text)
            return text
        } catch {
            note(error.message)
            return nil
        }
    }

    /// Texts that methods are written as.
    func methods() -> [String]? {
        guard let found = list("a list of methods") else { return nil }
        guard !found.isEmpty else {
            note("expected at least one method, or * for all")
            return nil
        }
        return found.compactMap { $0.pattern(MethodPattern.init(parsing:)) }
    }

    /// Texts that identities are written as.
    func identities() -> [String]? {
        list("a list of identities")?.compactMap { $0.pattern(IdentityPattern.init(parsing:)) }
    }

    // MARK: Reading

    /// Digits and at most one point; no more than anybody writes.
    private static func decimal(_ text: Substring) -> Double? {
        guard text.utf8.count <= 24, text.utf8.first != UInt8(ascii: "."), text.utf8.last != UInt8(ascii: "."),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(text)
    }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
    ]

    private static func duration(_ word: String) -> Duration? {
        var (rest, total, next) = (word[...], Int64(0), 0)
        if word.isEmpty { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { "0123456789".contains($0) }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard (1...9).contains(digits.utf8.count), let count = Int64(digits),
                let unit = units.firstIndex(where: { $0.name == name }), unit >= next
            else { return nil }
            next = unit + 1
            let (part, isTooLong) = count.multipliedReportingOverflow(by: units[unit].nanoseconds)
            let (sum, overflows) = total.addingReportingOverflow(part)
            guard !isTooLong, !overflows else { return nil }
            total = sum
        }
        return .nanoseconds(total)
    }
}
