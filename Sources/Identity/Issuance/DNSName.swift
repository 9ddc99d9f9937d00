/// The rule for DNS names in certificates: lower-case letters, digits and hyphens in labels of 1 to 63 bytes, 253 bytes
/// in all, no wildcard and no dot at the end (RFC 5280, 4.2.1.6 and RFC 1034, 3.5).
package enum DNSName {
    /// Why a name is none; `nil` if it is one.
    package static func problem(with name: String) -> String? {
        guard (1...253).contains(name.utf8.count) else {
            return "expected a DNS name of 1 to 253 bytes, found \(name.utf8.count)"
        }
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...63).contains(label.count) else {
                return "expected labels of 1 to 63 bytes in the DNS name \(quoted(name)), found \(label.count)"
            }
            guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else {
                return "expected no label of the DNS name \(quoted(name)) to begin or end with '-'"
            }
            for byte in label {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    continue
                default:
                    return "expected a-z, 0-9 and '-' in the DNS name \(quoted(name)), found \(byteName(byte))"
                }
            }
        }
        return nil
    }
}
