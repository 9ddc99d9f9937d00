import NIOCore

/// An IPv6 address that means something on one link only, with that link behind it: `fe80::1%eth0` or `fe80::1%2`, as
/// routers announce their name servers and `resolv.conf` has them (RFC 4007, 11).
enum ScopedAddress {
    /// The longest name of an interface, without the zero behind it, on Linux and on macOS.
    private static let longestZone = 15

    /// Whether a text is one: not one without a link, nor one that needs none.
    static func isOne(_ text: String) -> Bool {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...longestZone).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"%/".utf8.contains($0) }),
            let bytes = try? SocketAddress(ipAddress: String(parts[0]), port: 0).addressBytes, bytes.count == 16
        else { return false }
        // fe80::/10, and ff02::/16 beside it.
        return bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || bytes[0] == 0xFF && bytes[1] & 0x0F == 0x02
    }
}
