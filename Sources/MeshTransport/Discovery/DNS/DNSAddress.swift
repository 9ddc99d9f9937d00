package import NIOCore

/// Addresses as they stand in records and as they are written.
enum DNSAddress {
    /// An address as it is written; `nil` for one that nobody listens on: 0.0.0.0 and ::, with which some servers answer
    /// for what they block.
    static func text(_ bytes: [UInt8]) -> String? {
        guard bytes.contains(where: { $0 != 0 }) else { return nil }
        return (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0))?.ipAddress
    }

    /// Whether a text is an address, perhaps one of this link with the link's name behind it.
    static func isAddress(_ text: String) -> Bool {
        (try? SocketAddress(ipAddress: text, port: 0)) != nil || ScopedAddress.isOne(text)
    }
}

extension SocketAddress {
    /// An IP address in network order: 4 or 16 bytes, none for a path.
    package var addressBytes: [UInt8] {
        let place: Range<Int>
        switch self {
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        case .unixDomainSocket: return []
        }
        // Where `sockaddr_in` and `sockaddr_in6` have it, on every system; the structure is valid for the call.
        return unsafe withSockAddr { address, size in
            unsafe Array(UnsafeRawBufferPointer(start: address, count: size)[place])
        }
    }
}
