/// Which addresses are meant: a network in CIDR form, or one address.
///
/// Written `10.1.0.0/16`, `2001:db8::/32`, `192.0.2.1`. IPv4 addresses that come mapped into IPv6 (`::ffff:192.0.2.1`), as
/// a listener on all addresses sees them, are what they map.
public struct NetworkPattern: Sendable, Hashable {
    private let bytes: [UInt8]
    private let prefixBits: Int

    /// Reads a network or an address.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidPattern``; also where bits behind the prefix are
    ///   set, as they would mean nothing.
    public init(parsing text: String) throws(IdentityError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0]))?.unmapped else {
            throw IdentityError(
                .invalidPattern, "expected a network such as 10.0.0.0/8 or 2001:db8::/32, found \(quoted(text))")
        }
        let most = address.bytes.count * 8
        var bits = most
        if parts.count == 2 {
            guard let found = Int(parts[1]), (0...most).contains(found), "\(found)" == parts[1] else {
                throw IdentityError(
                    .invalidPattern, "expected a prefix of 0 to \(most) bits after the '/', found \(quoted(text))")
            }
            bits = found
        }
        bytes = address.bytes
        prefixBits = bits
        for bit in bits..<most where bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 {
            throw IdentityError(.invalidPattern, "expected no bits behind the prefix of \(quoted(text))")
        }
    }

    /// Whether `address` lies in the network.
    public func matches(_ address: IPAddress) -> Bool {
        let other = address.unmapped.bytes
        guard other.count == bytes.count else { return false }
        let whole = prefixBits / 8
        guard other.prefix(whole).elementsEqual(bytes.prefix(whole)) else { return false }
        let rest = prefixBits % 8
        return rest == 0 || (other[whole] ^ bytes[whole]) >> UInt8(8 - rest) == 0
    }
}

extension IPAddress {
    /// The IPv4 address that an IPv6 one stands for, or the address itself.
    fileprivate var unmapped: IPAddress {
        guard bytes.count == 16, bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else {
            return self
        }
        return IPAddress(bytes: Array(bytes.suffix(4))) ?? self
    }
}
