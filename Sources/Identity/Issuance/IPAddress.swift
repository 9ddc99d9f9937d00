#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An IPv4 or IPv6 address as a certificate holds it: 4 or 16 bytes in network order.
public struct IPAddress: Sendable, Hashable {
    /// 4 bytes (IPv4) or 16 bytes (IPv6), most significant first.
    public let bytes: [UInt8]

    /// The address of 4 or 16 bytes; nil for any other number.
    init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads `192.0.2.1` or `2001:db8::1`; nil for any other text, zones and ports included.
    public init?(_ text: String) {
        // inet_pton reads up to the first zero byte; a text that holds one is not an address.
        guard !text.utf8.contains(0) else { return nil }
        var version4 = in_addr()
        var version6 = in6_addr()
        // inet_pton writes exactly the four or sixteen bytes of the structures that it is given, and reads the C string
        // only.
        if unsafe inet_pton(AF_INET, text, &version4) == 1 {
            self.bytes = unsafe withUnsafeBytes(of: &version4) { unsafe Array($0) }
        } else if unsafe inet_pton(AF_INET6, text, &version6) == 1 {
            self.bytes = unsafe withUnsafeBytes(of: &version6) { unsafe Array($0) }
        } else {
            return nil
        }
    }
}
