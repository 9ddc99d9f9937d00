extension MetricsRegistry {
    /// The family of a host's own instruments under a name that is made fit for Prometheus: of other characters each is an
    /// underscore, a counter's ends in `_total` and that of times in `_seconds`.
    ///
    /// - Returns: `nil` where the name, or one that its samples would have, is taken by a family of another kind, or
    ///   there are as many families as may be. The program's own families come first: one that it asks for later takes
    ///   the name, and what the host records under it is shown no more.
    package func open(_ label: String, _ kind: OpenFamily.Kind) -> OpenFamily? {
        var name = MetricName.metric(from: label)
        switch kind {
        case .counter, .sum: if !MetricName.has(suffix: "_total", name) { name += "_total" }
        case .durations: if !MetricName.has(suffix: "_seconds", name) { name += "_seconds" }
        case .gauge, .values: break
        }
        let samples: [String] =
            switch kind {
            case .counter, .sum: Self.samples(ofCounter: name)
            case .gauge: [name]
            case .durations, .values: Self.samples(ofHistogram: name)
            }
        return open(name, kind, samples)
    }
}

extension MetricName {
    /// The name that is nearest to a text.
    static func metric(from text: String) -> String { name(from: text, allowingColon: true) }

    /// The label's name that is nearest to a text, and not one that formats have for themselves.
    static func label(from text: String) -> String {
        let name = name(from: text, allowingColon: false)
        let isTaken = !isLabel(name) || name == "le" || name == "quantile" || name == LabelText.overflowName
        return isTaken ? "label" + (name.utf8.first == UInt8(ascii: "_") ? "" : "_") + name : name
    }

    private static func name(from text: String, allowingColon: Bool) -> String {
        var name: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9") where name.isEmpty: name += [UInt8(ascii: "_"), byte]
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                name.append(byte)
            case UInt8(ascii: ":") where allowingColon: name.append(byte)
            default: name.append(UInt8(ascii: "_"))
            }
        }
        return name.isEmpty ? "_" : String(decoding: name, as: UTF8.self)
    }
}
