/// The data model's rules for names: `[a-zA-Z_:][a-zA-Z0-9_:]*` for metrics, the same without colons for labels, which
/// do not begin with two underscores.
enum MetricName {
    static func isMetric(_ name: String) -> Bool {
        isName(name, allowingColon: true)
    }

    static func isLabel(_ name: String) -> Bool {
        isName(name, allowingColon: false) && !name.utf8.starts(with: "__".utf8)
    }

    /// Whether a name ends so.
    static func has(suffix: String, _ name: String) -> Bool {
        name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// A counter's name as OpenMetrics calls its family.
    static func withoutTotal(_ name: String) -> String {
        has(suffix: "_total", name) ? String(name.dropLast(6)) : name
    }

    /// The unit that a family's name ends in, which OpenMetrics names once more.
    static func unit(ofFamily name: String) -> String? {
        ["seconds", "bytes", "ratio"].first { has(suffix: "_" + $0, name) }
    }

    private static func isName(_ name: String, allowingColon: Bool) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"):
                allowingColon
            default:
                false
            }
        }
    }
}
