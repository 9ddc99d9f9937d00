/// A name of the domain name system: labels, compared without regard to case.
///
/// Source: RFC 1035, sections 2.3.4 and 3.1; RFC 4343.
package struct DomainName: Sendable, Hashable, CustomStringConvertible {
    /// The most bytes of a name as it is sent, lengths and the root included.
    package static let longest = 255
    /// The most bytes of a label.
    package static let longestLabel = 63

    /// As it is sent, in lower case: each label behind its length, and a length of 0.
    package let wire: [UInt8]

    /// The root.
    package static let root = DomainName(wire: [0])

    /// - Parameter wire: as it is sent, well-formed.
    init(wire: [UInt8]) { self.wire = wire.map(Self.lowercased) }

    /// A name of these labels, which may hold any bytes; `nil` if one is empty or too long, or all together are.
    package init?(labels: [[UInt8]]) {
        var wire: [UInt8] = []
        for label in labels {
            guard (1...Self.longestLabel).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label
        }
        wire.append(0)
        guard wire.count <= Self.longest else { return nil }
        self.init(wire: wire)
    }

    /// A host's or a service's name as it is written, with or without a dot at its end: letters, digits, hyphens and
    /// underscores in labels between dots. `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        guard !bytes.isEmpty else { return nil }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        guard labels.allSatisfy({ $0.allSatisfy(Self.isWritten) }) else { return nil }
        self.init(labels: labels)
    }

    /// The labels, in lower case.
    package var labels: [ArraySlice<UInt8>] {
        var (labels, position) = ([] as [ArraySlice<UInt8>], 0)
        while wire[position] != 0 {
            let end = position + 1 + Int(wire[position])
            labels.append(wire[position + 1..<end])
            position = end
        }
        return labels
    }

    /// This name below `domain`; `nil` if that is too long.
    func below(_ domain: DomainName) -> DomainName? {
        let wire = wire.dropLast() + domain.wire
        return wire.count <= Self.longest ? DomainName(wire: Array(wire)) : nil
    }

    /// Whether it is `domain` or a name below it.
    func isWithin(_ domain: DomainName) -> Bool {
        let (own, others) = (labels, domain.labels)
        return own.count >= others.count && own.suffix(others.count).elementsEqual(others)
    }

    /// The labels with dots between them; other bytes than those of host names as `\DDD` (RFC 4343, section 2.1).
    package var description: String {
        let text = labels.map { label in
            label.map { byte in
                guard !Self.isWritten(byte) else { return String(UnicodeScalar(byte)) }
                let digits = String(byte)
                return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }.joined()
        }
        return text.isEmpty ? "." : text.joined(separator: ".")
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isWritten(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
