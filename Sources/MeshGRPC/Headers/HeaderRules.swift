package import NIOHPACK

/// Which header fields of a message are meant.
package enum HeaderSection: Sendable, Hashable {
    case request
    case response
    /// Those that end a message.
    case trailers
}

extension HPACKHeaders {
    /// Whether the fields keep HTTP/2's rules (RFC 9113, 8.2 and 8.3): names in lower case, values without line breaks and
    /// zeros, the section's own pseudo-header fields once each and before all others, none of those that speak of a
    /// connection.
    ///
    /// `NIOHTTP2Handler` can look at this too, at an eighth of a client's instructions (`Mesh+GRPC.swift` turns that off).
    package func isWellFormed(as section: HeaderSection) -> Bool {
        var seen: PseudoHeaders = []
        var isAfterPseudoHeaders = false
        for (name, value, _) in self {
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isAfterPseudoHeaders, value.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
                    let field = PseudoHeaders(name), section.allowed.contains(field), seen.insert(field).inserted
                else { return false }
                if field == .path, value.isEmpty { return false }
            } else {
                isAfterPseudoHeaders = true
                guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte),
                    value.utf8.allSatisfy({ $0 > 0x0D || $0 != 0 && $0 != 0x0A && $0 != 0x0D }),
                    !Self.isOfConnection(name)
                else { return false }
                if section == .request, name == "te", value != "trailers" { return false }
            }
        }
        return seen.isSuperset(of: section.required)
    }

    /// What a token is made of (RFC 9110, 5.6.2), without the letters in upper case.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// RFC 9113, 8.2.2.
    static func isOfConnection(_ name: String) -> Bool {
        switch name {
        case "connection", "transfer-encoding", "proxy-connection", "keep-alive", "upgrade": true
        default: false
        }
    }
}

/// A set of the pseudo-header fields that gRPC's messages have.
private struct PseudoHeaders: OptionSet {
    let rawValue: UInt8

    static let method = Self(rawValue: 1 << 0)
    static let scheme = Self(rawValue: 1 << 1)
    static let path = Self(rawValue: 1 << 2)
    static let authority = Self(rawValue: 1 << 3)
    static let status = Self(rawValue: 1 << 4)
}

extension PseudoHeaders {
    init?(_ name: String) {
        switch name {
        case ":method": self = .method
        case ":scheme": self = .scheme
        case ":path": self = .path
        case ":authority": self = .authority
        case ":status": self = .status
        default: return nil
        }
    }
}

extension HeaderSection {
    fileprivate var required: PseudoHeaders {
        switch self {
        case .request: [.method, .scheme, .path]
        case .response: [.status]
        case .trailers: []
        }
    }

    fileprivate var allowed: PseudoHeaders { self == .request ? required.union(.authority) : required }
}
